"""The contract of a model, and the frame that holds every model of this room to it."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradewright.domain.errors import ConfigError, ModelError, nearest
from tradewright.forecasts import safe_files
from tradewright.forecasts.rows import FloatArray, Prediction, Rows, as_rows

IntArray = NDArray[np.int64]
REGRESSION, CLASSIFICATION = "regression", "classification"
BUY, HOLD, SELL = 0, 1, 2
RESIDUAL_ROWS: Final = 4096
"""Training rows, evenly spaced, from which the deviation of a forecast is estimated."""


class Model(Protocol):
    """A forecaster: fitted on past rows, asked about new ones, kept in safe files.

    ``save`` writes a folder that `tradewright.forecasts.load_model` reads back.
    """

    def fit(
        self,
        X: Rows | ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Learn from rows and their labels; refit equals a fresh fit."""
        ...

    def predict(self, X: Rows | ArrayLike) -> Prediction:
        """Forecast the label of each row."""
        ...

    def save(self, folder: Path) -> str:
        """Write the model's files; return their content hash."""
        ...

    def load(self, folder: Path) -> Self:
        """Become the model stored in a folder."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return type, task, settings, features and size."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """Settings every model has.

    Parameters
    ----------
    task : str
        ``regression`` or ``classification``.
    seed : int
        Of every random choice; the same seed gives the same model.
    threads : int
        Threads a fit may use; folds run side by side, so 1 is the default.
    """

    task: str = REGRESSION
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        if self.task not in {REGRESSION, CLASSIFICATION}:
            raise ConfigError(
                f"model task is {self.task!r}; {nearest(self.task, (REGRESSION, CLASSIFICATION))}"
            )
        if self.threads < 1:
            raise ConfigError(f"model threads is {self.threads}, wanted at least 1")
        if not 0 <= self.seed < 2**31:
            raise ConfigError(f"model seed is {self.seed}, wanted 0 to 2^31 - 1")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Training:
    """Checked training rows, as the subclasses see them."""

    values: FloatArray
    target: FloatArray  # labels, or class positions 0 … n_classes - 1
    weight: FloatArray
    group: IntArray  # increasing dates as integers; rows of one date share it
    names: tuple[str, ...]
    n_classes: int


class TabularModel(ABC):
    """Frame of the models in this room: checks on the way in, safe files on the way out.

    Subclasses give `kind`, `Settings`, `_learn`, `_forecast`, `_files` and `_restore`.

    Notes
    -----
    Missing data: `fit` refuses NaN and infinite values, naming the column; `predict` answers NaN
    for a row that has one.
    """

    kind: ClassVar[str]
    Settings: ClassVar[type[Common]] = Common
    tasks: ClassVar[tuple[str, ...]] = (REGRESSION, CLASSIFICATION)

    def __init__(self, settings: Common | None = None) -> None:
        self.settings: Any = settings if settings is not None else self.Settings()
        if self.settings.task not in self.tasks:
            raise ConfigError(
                f"model {self.kind} does {' and '.join(self.tasks)}, not {self.settings.task}"
            )
        self.names_: tuple[str, ...] = ()
        self.classes_: tuple[int, ...] = ()
        self.residual_sd_ = 0.0
        self.n_rows_ = 0

    @property
    def is_classifier(self) -> bool:
        """Whether the model forecasts classes."""
        return bool(self.settings.task == CLASSIFICATION)

    def fit(
        self,
        X: Rows | ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Learn from rows and their labels; what was learned before is forgotten.

        Parameters
        ----------
        X : Rows or array_like of shape (n_rows, n_features)
            Feature values.
        y : array_like of shape (n_rows,)
            Labels: returns as fractions, or classes 0 Buy, 1 Hold, 2 Sell.
        sample_weight : array_like of shape (n_rows,), optional
            Weight of each row, >= 0; 1 where left out.
        groups : array_like of int, shape (n_rows,), optional
            Date of each row as a number that grows with time; used where a model validates in
            time order or draws blocks of dates. Row numbers where left out.

        Returns
        -------
        Model
            Itself.

        Raises
        ------
        ModelError
            For no rows, NaN, wrong lengths, or a single class.
        """
        rows = as_rows(X)
        training, classes = self._checked(rows, y, sample_weight, groups)
        self.names_, self.classes_ = rows.names, classes
        self.n_rows_ = len(rows)
        self._learn(training)
        if not self.is_classifier:
            self.residual_sd_ = self._residual_sd(training)
        return self

    def predict(self, X: Rows | ArrayLike) -> Prediction:
        """Forecast the label of each row.

        Parameters
        ----------
        X : Rows or array_like of shape (n_rows, n_features)
            Feature values, in the columns the model was fitted on.

        Returns
        -------
        Prediction
            One entry a row; NaN where a feature is not known.

        Raises
        ------
        ModelError
            If the model is not fitted, or names or order of the columns differ.
        """
        rows = as_rows(X)
        self._check_columns(rows)
        known = np.isfinite(rows.values).all(axis=1)
        width = max(1, len(self.classes_))
        out = np.full((len(rows), width), np.nan)
        if known.any():
            out[known] = self._forecast(np.ascontiguousarray(rows.values[known]))
        if not self.is_classifier:
            sd = np.where(known, self.residual_sd_, np.nan)
            return Prediction(mean=out[:, 0], sd=sd)
        score = np.zeros(len(rows))
        for column, label in enumerate(self.classes_):
            score += out[:, column] * {BUY: 1.0, SELL: -1.0}.get(label, 0.0)
        return Prediction(mean=score, classes=self.classes_, probabilities=out)

    def save(self, folder: Path) -> str:
        """Write the model's files into a new folder; return their content hash.

        Raises
        ------
        ModelError
            If the model is not fitted or the folder exists.
        """
        self._check_fitted()
        document = {
            "format": safe_files.FORMAT,
            "type": self.kind,
            "settings": dataclasses.asdict(self.settings),
            "features": list(self.names_),
            "classes": list(self.classes_),
            "residual_sd": self.residual_sd_,
            "n_rows": self.n_rows_,
        }
        return safe_files.write_model(Path(folder), document, self._files())

    def load(self, folder: Path) -> Self:
        """Become the model stored in a folder; foreign or damaged files are refused.

        Raises
        ------
        ModelError
            If a file is missing, changed, of another model type, or not in its safe format.
        """
        document, files = safe_files.read_model(Path(folder))
        if document["type"] != self.kind:
            raise ModelError(f"{folder}: holds a {document['type']} model, wanted {self.kind}")
        return self.restore(document, files)

    def restore(self, document: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """Become the model described by checked files (see `safe_files.read_model`)."""
        self.settings = build_settings(self.kind, self.Settings, document["settings"])
        self.names_ = tuple(document["features"])
        self.classes_ = tuple(document["classes"])
        self.residual_sd_ = float(document["residual_sd"])
        self.n_rows_ = int(document["n_rows"])
        if self.is_classifier and len(self.classes_) < 2:
            raise ModelError(f"model file of {self.kind} names {len(self.classes_)} classes")
        self._restore(files)
        return self

    def describe(self) -> dict[str, Any]:
        """Return type, task, settings, features and number of training rows."""
        return {
            "type": self.kind,
            "task": self.settings.task,
            "settings": dataclasses.asdict(self.settings),
            "features": list(self.names_),
            "classes": list(self.classes_),
            "n_rows": self.n_rows_,
            "residual_sd": self.residual_sd_,
        }

    @abstractmethod
    def _learn(self, training: Training) -> None:
        """Learn from checked rows."""

    @abstractmethod
    def _forecast(self, values: FloatArray) -> FloatArray:
        """Return (n_rows, 1) means, or (n_rows, n_classes) probabilities, of finite rows."""

    @abstractmethod
    def _files(self) -> dict[str, bytes]:
        """Return the learned state as the content of files, by name."""

    @abstractmethod
    def _restore(self, files: Mapping[str, bytes]) -> None:
        """Read the learned state from the content of files."""

    def _checked(
        self,
        rows: Rows,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        groups: ArrayLike | None,
    ) -> tuple[Training, tuple[int, ...]]:
        n_rows = len(rows)
        if n_rows == 0 or not rows.names:
            raise ModelError(f"model {self.kind}: nothing to fit ({rows.values.shape} rows)")
        finite = np.isfinite(rows.values).all(axis=0)
        if not finite.all():
            name = rows.names[int(np.argmin(finite))]
            raise ModelError(f"model {self.kind}: feature {name} has NaN or infinite values")
        target = _vector(self.kind, "labels", y, n_rows)
        weight = (
            np.ones(n_rows)
            if sample_weight is None
            else _vector(self.kind, "weights", sample_weight, n_rows)
        )
        if (weight < 0).any() or not weight.any():
            raise ModelError(f"model {self.kind}: weights must be >= 0 and not all zero")
        group = (
            np.arange(n_rows, dtype=np.int64)
            if groups is None
            else np.asarray(_vector(self.kind, "groups", groups, n_rows), dtype=np.int64)
        )
        classes: tuple[int, ...] = ()
        if self.is_classifier:
            found, position = np.unique(target, return_inverse=True)
            if (found != np.round(found)).any() or len(found) > 100:
                raise ModelError(f"model {self.kind}: labels are not classes")
            if len(found) < 2:
                raise ModelError(
                    f"model {self.kind}: the {n_rows} labels hold one class only ({found[0]:g})"
                )
            classes = tuple(int(label) for label in found)
            target = position.astype(np.float64)
        training = Training(
            values=rows.values,
            target=target,
            weight=weight,
            group=group,
            names=rows.names,
            n_classes=len(classes),
        )
        return training, classes

    def _residual_sd(self, training: Training) -> float:
        # A spread is known well from a few thousand rows; asking for all would cost as much time
        # as a small fit.
        some = slice(None, None, max(1, len(training.target) // RESIDUAL_ROWS))
        weight = training.weight[some]
        if not weight.any():
            some, weight = slice(None), training.weight
        values = np.ascontiguousarray(training.values[some])
        residual = training.target[some] - self._forecast(values)[:, 0]
        return float(np.sqrt(np.average(residual**2, weights=weight)))

    def _check_fitted(self) -> None:
        if not self.names_:
            raise ModelError(f"model {self.kind} is not fitted; call fit or load first")

    def _check_columns(self, rows: Rows) -> None:
        self._check_fitted()
        if rows.names == self.names_:
            return
        missing = [name for name in self.names_ if name not in rows.names]
        extra = [name for name in rows.names if name not in self.names_]
        what = (
            f"missing {', '.join(missing) or 'none'}; unknown {', '.join(extra) or 'none'}"
            if missing or extra
            else f"their order differs: {', '.join(rows.names)}; wanted {', '.join(self.names_)}"
        )
        raise ModelError(f"model {self.kind}: features do not match: {what}")


def build_settings(kind: str, settings: type[Common], given: Mapping[str, Any]) -> Common:
    """Check parameters of a model against its settings and build them.

    Raises
    ------
    ConfigError
        For an unknown parameter (naming the nearest) or a value of the wrong type.
    """
    fields = {field.name: field for field in dataclasses.fields(settings)}
    wrong = []
    for name, value in given.items():
        if name not in fields:
            wrong.append(f"model {kind}: unknown parameter {name!r}; {nearest(name, fields)}")
            continue
        wanted = str(fields[name].type)
        if not _fits(value, wanted):
            wrong.append(
                f"model {kind}: {name} is {value!r} ({type(value).__name__}), wanted {wanted}"
            )
    if wrong:
        raise ConfigError("; ".join(wrong))
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    return settings(**given)


def _fits(value: object, wanted: str) -> bool:
    for part in (piece.strip() for piece in wanted.split("|")):
        kind = part.split("[")[0]
        if value is None:
            if kind == "None":
                return True
            continue
        is_bool = isinstance(value, bool)
        allowed: dict[str, Any] = {
            "int": isinstance(value, int) and not is_bool,
            "float": isinstance(value, int | float) and not is_bool and bool(np.isfinite(value)),
            "str": isinstance(value, str),
            "bool": is_bool,
            "tuple": isinstance(value, list | tuple),
        }
        if allowed.get(kind, False):
            return True
    return False


def _vector(kind: str, name: str, given: ArrayLike, n_rows: int) -> FloatArray:
    try:
        array = np.ascontiguousarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ModelError(f"model {kind}: {name} are not numbers: {error}") from error
    if array.shape != (n_rows,):
        raise ModelError(f"model {kind}: {name} have shape {array.shape}, wanted ({n_rows},)")
    if not np.isfinite(array).all():
        raise ModelError(f"model {kind}: {name} have NaN or infinite values")
    return array
