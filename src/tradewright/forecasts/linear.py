"""Ridge and logistic regression: standardised for the fit, kept in the features' own units."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tradewright.domain.errors import ConfigError, ModelError
from tradewright.forecasts import safe_files
from tradewright.forecasts.model import (
    CLASSIFICATION,
    REGRESSION,
    Common,
    IntArray,
    TabularModel,
    Training,
)
from tradewright.forecasts.rows import FloatArray

_FILE: Final = "coefficients.json"
ALPHAS: Final = tuple(float(a) for a in np.logspace(-4, 6, 21))
"""Candidates of the time-ordered choice, times the number of rows over 1,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RidgeSettings(Common):
    """Settings of ridge regression.

    Parameters
    ----------
    alpha : float | None
        Penalty on standardised coefficients; None chooses it by validation in time order.
    blocks : int
        Blocks of dates of that validation.
    gap_dates : int
        Dates left out between the fitted and the validated part; at least the label's horizon.
    """

    alpha: float | None = None
    blocks: int = 5
    gap_dates: int = 21

    def __post_init__(self) -> None:
        Common.__post_init__(self)
        if self.alpha is not None and self.alpha < 0:
            raise ConfigError(f"ridge: alpha is {self.alpha}, wanted >= 0 or null")
        if self.blocks < 2 or self.gap_dates < 0:
            raise ConfigError("ridge: blocks must be >= 2 and gap_dates >= 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticSettings(Common):
    """Settings of logistic regression.

    Parameters
    ----------
    penalty : float
        Ridge penalty on standardised coefficients, per 1,000 rows; > 0.
    """

    task: str = CLASSIFICATION
    penalty: float = 1.0

    def __post_init__(self) -> None:
        Common.__post_init__(self)
        if self.penalty <= 0:
            raise ConfigError(f"logistic: penalty is {self.penalty}, wanted above 0")


class _LinearModel(TabularModel):
    """What the two share: coefficients in one JSON file."""

    coefficients_: FloatArray  # (n_features, n_outputs)
    intercepts_: FloatArray  # (n_outputs,)

    def _check_size(self, training: Training) -> None:
        n_rows, n_features = training.values.shape
        if n_rows < 10 * (n_features + 1):
            raise ModelError(
                f"model {self.kind}: {n_rows} rows for {n_features} features, "
                f"wanted at least {10 * (n_features + 1)}"
            )

    def _keep(
        self, slope: FloatArray, offset: FloatArray, mean: FloatArray, sd: FloatArray
    ) -> None:
        self.coefficients_ = slope / sd[:, None]
        self.intercepts_ = offset - mean @ self.coefficients_

    def _files(self) -> dict[str, bytes]:
        document = {
            "coefficients": self.coefficients_.tolist(),
            "intercepts": self.intercepts_.tolist(),
        }
        return {_FILE: json.dumps(document, allow_nan=False).encode()}

    def _restore(self, files: Mapping[str, bytes]) -> None:
        document = safe_files.read_json(files.get(_FILE, b""), _FILE)
        n_outputs = max(1, len(self.classes_))
        self.coefficients_ = _numbers(document, "coefficients", (len(self.names_), n_outputs))
        self.intercepts_ = _numbers(document, "intercepts", (n_outputs,))


class Ridge(_LinearModel):
    r"""Least squares with a penalty on the standardised coefficients.

    :math:`\hat\beta = (Z^\top W Z + \alpha I)^{-1} Z^\top W (y - \bar y)` with standardised
    columns Z and weights W [1]_. Where `alpha` is None it is chosen by fitting on the first blocks
    of dates and scoring the next block, never the other way round.

    Notes
    -----
    Timing: the choice of the penalty uses the training rows only, in time order, with a gap.
    Missing data: see `TabularModel`.

    References
    ----------
    .. [1] A. Hoerl, R. Kennard, "Ridge Regression", Technometrics 12, 1970, eq. 2.1.
    """

    kind: ClassVar[str] = "ridge"
    Settings: ClassVar[type[Common]] = RidgeSettings
    tasks: ClassVar[tuple[str, ...]] = (REGRESSION,)
    alpha_: float = 0.0

    def _learn(self, training: Training) -> None:
        self._check_size(training)
        with threadpool_limits(limits=self.settings.threads):
            self.alpha_ = (
                self._choose_alpha(training)
                if self.settings.alpha is None
                else float(self.settings.alpha)
            )
            solution = _solve(training.values, training.target, training.weight, [self.alpha_])
        slope, offset, mean, sd = solution
        self._keep(slope, offset, mean, sd)

    def _choose_alpha(self, training: Training) -> float:
        alphas = np.array(ALPHAS) * len(training.target) / 1000
        dates, position = np.unique(training.group, return_inverse=True)
        edges = np.linspace(0, len(dates), self.settings.blocks + 1).astype(int)
        error = np.zeros(len(alphas))
        for block in range(1, self.settings.blocks):
            past = position < edges[block] - self.settings.gap_dates
            ahead = (position >= edges[block]) & (position < edges[block + 1])
            if past.sum() < 10 * training.values.shape[1] or not ahead.any():
                continue
            slope, offset, mean, sd = _solve(
                training.values[past], training.target[past], training.weight[past], alphas
            )
            forecast = ((training.values[ahead] - mean) / sd) @ slope + offset
            miss = (training.target[ahead, None] - forecast) ** 2
            error += training.weight[ahead] @ miss
        # Without a block to judge on (few dates), the middle of the range.
        return float(alphas[int(np.argmin(error))] if error.any() else alphas[len(alphas) // 2])

    def _forecast(self, values: FloatArray) -> FloatArray:
        out: FloatArray = values @ self.coefficients_ + self.intercepts_
        return out


class Logistic(_LinearModel):
    """Multinomial logistic regression with a ridge penalty.

    Notes
    -----
    Missing data: see `TabularModel`.

    References
    ----------
    .. [1] T. Hastie, R. Tibshirani, J. Friedman, "The Elements of Statistical Learning", 2nd ed.,
       2009, ch. 4.4.
    """

    kind: ClassVar[str] = "logistic"
    Settings: ClassVar[type[Common]] = LogisticSettings
    tasks: ClassVar[tuple[str, ...]] = (CLASSIFICATION,)

    def _learn(self, training: Training) -> None:
        from sklearn.linear_model import LogisticRegression

        self._check_size(training)
        mean, sd = _moments(training.values, training.weight)
        model = LogisticRegression(
            C=1000 / (self.settings.penalty * len(training.target)), max_iter=1000, tol=1e-8
        )
        with threadpool_limits(limits=self.settings.threads):
            model.fit((training.values - mean) / sd, training.target, sample_weight=training.weight)
        slope, offset = model.coef_.T, model.intercept_
        if training.n_classes == 2:  # one column: the log odds of the second class
            slope = np.hstack([np.zeros_like(slope), slope])
            offset = np.append(0.0, offset)
        self._keep(slope, offset, mean, sd)

    def _forecast(self, values: FloatArray) -> FloatArray:
        raw = values @ self.coefficients_ + self.intercepts_
        raw = np.exp(raw - raw.max(axis=1, keepdims=True))
        out: FloatArray = raw / raw.sum(axis=1, keepdims=True)
        return out


def _moments(values: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    mean = np.average(values, axis=0, weights=weight)
    sd = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weight))
    # A column that does not move carries nothing; 1 keeps its coefficient at zero.
    still = sd <= 1e-12 * np.maximum(1.0, np.abs(mean))
    return mean, np.where(still, 1.0, sd)


def _solve(
    values: FloatArray,
    target: FloatArray,
    weight: FloatArray,
    alphas: FloatArray | list[float] | IntArray,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return slopes (n_features, n_alphas), offsets, and the moments used to standardise."""
    mean, sd = _moments(values, weight)
    z = (values - mean) / sd
    middle = float(np.average(target, weights=weight))
    gram = z.T @ (weight[:, None] * z)
    moment = z.T @ (weight * (target - middle))
    eigenvalues, vectors = np.linalg.eigh(gram)
    rotated = vectors.T @ moment
    penalty = np.asarray(alphas, dtype=np.float64)[None, :]
    # Directions without variance get no coefficient, also where alpha is 0.
    floor = 1e-10 * max(float(eigenvalues[-1]), 1e-300)
    scale = np.where(
        eigenvalues[:, None] > floor, 1.0 / np.maximum(eigenvalues[:, None] + penalty, floor), 0.0
    )
    slope = vectors @ (scale * rotated[:, None])
    return slope, np.full(penalty.shape[1], middle), mean, sd


def _numbers(document: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> FloatArray:
    try:
        array = np.asarray(document[name], dtype=np.float64)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{_FILE}: {name} are missing or not numbers: {error}") from error
    if array.shape != shape or not np.isfinite(array).all():
        raise ModelError(f"{_FILE}: {name} have shape {array.shape}, wanted {shape}, finite")
    return array
