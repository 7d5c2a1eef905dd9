"""Weighted mean of models; weights given, or learned on forecasts made out of fold."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np

from tradewright.domain.errors import ConfigError, ModelError, nearest
from tradewright.forecasts import safe_files
from tradewright.forecasts.boosters import LightGBM, XGBoost
from tradewright.forecasts.forests import GradientBoosting, RandomForest
from tradewright.forecasts.linear import Logistic, Ridge
from tradewright.forecasts.model import Common, TabularModel, Training, build_settings
from tradewright.forecasts.rows import FloatArray, Rows

_FILE: Final = "weights.json"
MEMBERS: Final[dict[str, type[TabularModel]]] = {
    model.kind: model
    for model in (RandomForest, GradientBoosting, LightGBM, XGBoost, Ridge, Logistic)
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleSettings(Common):
    """Settings of an ensemble.

    Parameters
    ----------
    members : tuple[str, ...]
        Model types.
    weights : tuple[float, ...] | str
        One weight a member, >= 0 and summing to 1; or ``learned``.
    sizes : tuple[int, ...]
        Trees or boosting rounds of each member, 0 for its default; empty for all defaults.
    blocks : int
        Blocks of dates for the out-of-fold forecasts of learned weights.
    gap_dates : int
        Dates left out around a block that is forecast; at least the label's horizon.
    """

    members: tuple[str, ...] = ("random_forest", "gradient_boosting")
    weights: tuple[float, ...] | str = (0.4, 0.6)
    sizes: tuple[int, ...] = ()
    blocks: int = 4
    gap_dates: int = 21

    def __post_init__(self) -> None:
        Common.__post_init__(self)
        for member in self.members:
            if member not in MEMBERS:
                raise ConfigError(
                    f"ensemble: unknown member {member!r}; {nearest(member, MEMBERS)}"
                )
        if not 2 <= len(self.members) <= 20:
            raise ConfigError(f"ensemble: {len(self.members)} members, wanted 2 to 20")
        if self.sizes and (len(self.sizes) != len(self.members) or min(self.sizes) < 0):
            raise ConfigError("ensemble: sizes must give one number >= 0 for each member")
        if isinstance(self.weights, str):
            if self.weights != "learned":
                raise ConfigError(f"ensemble: weights are {self.weights!r}, wanted 'learned'")
        elif (
            len(self.weights) != len(self.members)
            or min(self.weights) < 0
            or abs(sum(self.weights) - 1) > 1e-9
        ):
            raise ConfigError(
                f"ensemble: weights are {list(self.weights)}, wanted {len(self.members)} numbers "
                ">= 0 that sum to 1"
            )
        if self.blocks < 2 or self.gap_dates < 0:
            raise ConfigError("ensemble: blocks must be >= 2 and gap_dates >= 0")


class Ensemble(TabularModel):
    r"""Weighted mean of the members' forecasts.

    With ``weights: learned`` each block of dates is forecast by members fitted on the other
    blocks, a gap of `gap_dates` left out on both sides, and the weights minimise
    :math:`\|y - Fw\|^2 + \lambda\|w\|^2` with :math:`w \ge 0` (non-negative ridge), then sum to 1
    [1]_. The members are then fitted on all rows.

    Notes
    -----
    Timing: learned weights see training rows only.
    Missing data: see `TabularModel`.

    References
    ----------
    .. [1] L. Breiman, "Stacked Regressions", Machine Learning 24, 1996.
    """

    kind: ClassVar[str] = "ensemble"
    Settings: ClassVar[type[Common]] = EnsembleSettings
    members_: tuple[TabularModel, ...] = ()
    weights_: FloatArray

    def _learn(self, training: Training) -> None:
        self.weights_ = (
            self._learn_weights(training)
            if isinstance(self.settings.weights, str)
            else np.asarray(self.settings.weights, dtype=np.float64)
        )
        everything = np.ones(len(training.target), dtype=bool)
        self.members_ = self._fit_members(training, everything)

    def _forecast(self, values: FloatArray) -> FloatArray:
        out: FloatArray = np.zeros((len(values), max(1, len(self.classes_))))
        for weight, member in zip(self.weights_, self.members_, strict=True):
            if weight > 0:
                out += weight * member._forecast(values)
        return out

    def _fit_members(self, training: Training, chosen: Any) -> tuple[TabularModel, ...]:
        return tuple(
            make_member(self.settings, position).fit(
                Rows(training.names, training.values[chosen]),
                training.target[chosen],
                sample_weight=training.weight[chosen],
                groups=training.group[chosen],
            )
            for position in range(len(self.settings.members))
        )

    def _learn_weights(self, training: Training) -> FloatArray:
        from scipy.optimize import nnls

        dates, position = np.unique(training.group, return_inverse=True)
        edges = np.linspace(0, len(dates), self.settings.blocks + 1).astype(int)
        width = max(1, training.n_classes)
        n_members = len(self.settings.members)
        forecasts = np.full((len(training.target), n_members, width), np.nan)
        for first, last in itertools.pairwise(edges):
            inside = (position >= first) & (position < last)
            gap = self.settings.gap_dates
            outside = (position < first - gap) | (position >= last + gap)
            if not inside.any() or not outside.any():
                raise ModelError("model ensemble: too few dates to learn weights out of fold")
            for number, member in enumerate(self._fit_members(training, outside)):
                if self.is_classifier and len(member.classes_) != training.n_classes:
                    raise ModelError("model ensemble: a block of dates lacks a class")
                forecasts[inside, number] = member._forecast(training.values[inside])
        target = (
            np.eye(width)[training.target.astype(int)]
            if self.is_classifier
            else training.target[:, None]
        )
        scale = np.repeat(np.sqrt(training.weight), width)
        design = np.moveaxis(forecasts, 1, 2).reshape(-1, n_members) * scale[:, None]
        # The penalty pulls towards equal shares, which matters where members agree.
        penalty = np.sqrt(1e-2 * np.trace(design.T @ design) / n_members)
        design = np.vstack([design, penalty * np.eye(n_members)])
        aim = np.append(target.ravel() * scale, np.full(n_members, penalty / n_members))
        weights, _ = nnls(design, aim)
        total = weights.sum()
        share: FloatArray = weights / total if total > 0 else np.full(n_members, 1 / n_members)
        return share

    def _files(self) -> dict[str, bytes]:
        files = {_FILE: json.dumps({"weights": self.weights_.tolist()}).encode()}
        for number, member in enumerate(self.members_):
            state = {"settings": dataclasses.asdict(member.settings)}
            files[f"member{number}.settings.json"] = json.dumps(state, sort_keys=True).encode()
            for name, data in member._files().items():
                files[f"member{number}.{name}"] = data
        return files

    def _restore(self, files: Mapping[str, bytes]) -> None:
        document = safe_files.read_json(files.get(_FILE, b""), _FILE)
        given = document.get("weights")
        kinds = self.settings.members
        numbers = isinstance(given, list) and all(
            isinstance(v, int | float) and np.isfinite(v) and v >= 0 for v in given
        )
        if not numbers or len(given or ()) != len(kinds):
            raise ModelError(f"{_FILE}: weights must be {len(kinds)} numbers >= 0")
        self.weights_ = np.asarray(given, dtype=np.float64)
        members = []
        for number in range(len(kinds)):
            prefix = f"member{number}."
            own = {k.removeprefix(prefix): v for k, v in files.items() if k.startswith(prefix)}
            state = safe_files.read_json(own.pop("settings.json", b""), f"{prefix}settings.json")
            members.append(self._restored_member(number, state.get("settings"), own))
        self.members_ = tuple(members)

    def _restored_member(
        self, number: int, settings: object, files: Mapping[str, bytes]
    ) -> TabularModel:
        if not isinstance(settings, dict):
            raise ModelError(f"member{number}.settings.json: holds no settings")
        document = {
            "settings": settings,
            "features": list(self.names_),
            "classes": list(range(len(self.classes_))),
            "residual_sd": 0.0,
            "n_rows": self.n_rows_,
        }
        return MEMBERS[self.settings.members[number]]().restore(document, files)


def make_member(settings: Any, position: int) -> TabularModel:
    """Build the unfitted member at a position of an ensemble's settings."""
    kind = settings.members[position]
    model = MEMBERS[kind]
    given: dict[str, Any] = {
        "task": settings.task,
        "seed": settings.seed,
        "threads": settings.threads,
    }
    size = settings.sizes[position] if settings.sizes else 0
    if size:
        own = {field.name for field in dataclasses.fields(model.Settings)}
        name = next((n for n in ("n_trees", "rounds") if n in own), None)
        if name is None:
            raise ConfigError(f"ensemble: {kind} has no size; give 0")
        given[name] = size
    return model(build_settings(kind, model.Settings, given))
