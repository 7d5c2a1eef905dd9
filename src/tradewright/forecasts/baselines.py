"""What every model must beat: zero, the majority class, plain momentum."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from tradewright.domain.errors import ModelError, nearest
from tradewright.forecasts import safe_files
from tradewright.forecasts.model import CLASSIFICATION, REGRESSION, Common, TabularModel, Training
from tradewright.forecasts.rows import FloatArray

_FILE: Final = "state.json"


class _Stateful(TabularModel):
    """A baseline whose state is a short list of numbers."""

    state_: FloatArray

    def _files(self) -> dict[str, bytes]:
        return {_FILE: json.dumps({"state": self.state_.tolist()}, allow_nan=False).encode()}

    def _restore(self, files: Mapping[str, bytes]) -> None:
        document = safe_files.read_json(files.get(_FILE, b""), _FILE)
        try:
            self.state_ = np.asarray(document["state"], dtype=np.float64)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ModelError(f"{_FILE}: state is missing or not numbers: {error}") from error
        if self.state_.shape != self._shape() or not np.isfinite(self.state_).all():
            raise ModelError(f"{_FILE}: state has shape {self.state_.shape}, wanted finite numbers")

    def _shape(self) -> tuple[int, ...]:
        return (max(1, len(self.classes_)),)


class Zero(_Stateful):
    """Forecast a return of zero, always.

    Notes
    -----
    Missing data: see `TabularModel`.
    """

    kind: ClassVar[str] = "zero"
    tasks: ClassVar[tuple[str, ...]] = (REGRESSION,)

    def _learn(self, training: Training) -> None:
        self.state_ = np.zeros(1)

    def _forecast(self, values: FloatArray) -> FloatArray:
        return np.zeros((len(values), 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class MajoritySettings(Common):
    """Settings of the majority class: none of its own."""

    task: str = CLASSIFICATION


class Majority(_Stateful):
    """Forecast the class shares of the training rows, so that the commonest class wins.

    Notes
    -----
    Missing data: see `TabularModel`.
    """

    kind: ClassVar[str] = "majority"
    Settings: ClassVar[type[Common]] = MajoritySettings
    tasks: ClassVar[tuple[str, ...]] = (CLASSIFICATION,)

    def _learn(self, training: Training) -> None:
        counts = np.bincount(
            training.target.astype(int), weights=training.weight, minlength=training.n_classes
        )
        self.state_ = counts / counts.sum()

    def _forecast(self, values: FloatArray) -> FloatArray:
        return np.tile(self.state_, (len(values), 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentumSettings(Common):
    """Settings of the momentum baseline.

    Parameters
    ----------
    feature : str
        Feature whose value is the momentum; empty takes the first feature.
    """

    feature: str = ""


class Momentum(_Stateful):
    """Expect past winners to win: the label's spread times the standardised feature.

    The direction is not fitted, only the scale: forecast = mean(y) + sd(y) · z · 0.05, where z is
    the standardised feature and 0.05 the size of a typical cross-sectional information
    coefficient.

    Notes
    -----
    Missing data: see `TabularModel`.

    References
    ----------
    .. [1] R. Grinold, "Alpha is Volatility Times IC Times Score", Journal of Portfolio Management
       20, 1994.
    """

    kind: ClassVar[str] = "momentum"
    Settings: ClassVar[type[Common]] = MomentumSettings
    tasks: ClassVar[tuple[str, ...]] = (REGRESSION,)

    def _learn(self, training: Training) -> None:
        wanted = self.settings.feature or training.names[0]
        if wanted not in training.names:
            raise ModelError(
                f"model momentum: feature {wanted!r} is not among the features; "
                f"{nearest(wanted, training.names)}"
            )
        column = training.names.index(wanted)
        feature = training.values[:, column]
        middle = float(np.average(feature, weights=training.weight))
        spread = float(np.sqrt(np.average((feature - middle) ** 2, weights=training.weight)))
        target = float(np.average(training.target, weights=training.weight))
        size = float(np.sqrt(np.average((training.target - target) ** 2, weights=training.weight)))
        slope = 0.05 * size / spread if spread > 0 else 0.0
        self.state_ = np.array([float(column), target - slope * middle, slope])

    def _forecast(self, values: FloatArray) -> FloatArray:
        column = int(self.state_[0])
        out: FloatArray = (self.state_[1] + self.state_[2] * values[:, column])[:, None]
        return out

    def _shape(self) -> tuple[int, ...]:
        column = self.state_.ravel()[:1]
        if self.state_.shape == (3,) and not (
            0 <= column[0] < len(self.names_) and column[0] == int(column[0])
        ):
            raise ModelError(f"{_FILE}: momentum column {column[0]} is out of range")
        return (3,)
