"""What goes into a model and what comes out: named feature rows and predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradewright.domain.errors import ModelError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Feature values of some decisions, with the name of each column.

    Parameters
    ----------
    names : tuple of str
        Columns, in order; a model refuses other names or another order than it was fitted on.
    values : ndarray of shape (n_rows, n_features)
        Feature values; NaN where a feature is not known.

    Raises
    ------
    ModelError
        If the shape does not match the names, or a name occurs twice.
    """

    names: tuple[str, ...]
    values: FloatArray

    def __post_init__(self) -> None:
        try:
            values = np.ascontiguousarray(self.values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ModelError(f"feature rows are not numbers: {error}") from error
        if values.ndim != 2 or values.shape[1] != len(self.names):
            raise ModelError(
                f"feature rows have shape {values.shape}, wanted (n_rows, {len(self.names)})"
            )
        if len(set(self.names)) != len(self.names):
            raise ModelError(f"a feature occurs twice in {', '.join(self.names)}")
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "values", values)

    def __len__(self) -> int:
        return len(self.values)


def as_rows(given: Rows | ArrayLike) -> Rows:
    """Return feature rows; a bare array gets the names ``x0, x1, …``.

    Examples
    --------
    >>> as_rows([[1.0, 2.0]]).names
    ('x0', 'x1')
    """
    if isinstance(given, Rows):
        return given
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ModelError(f"feature rows are not numbers: {error}") from error
    if values.ndim != 2:
        raise ModelError(f"feature rows have {values.ndim} dimensions, wanted 2")
    return Rows(tuple(f"x{i}" for i in range(values.shape[1])), values)


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a model says about some rows.

    Parameters
    ----------
    mean : ndarray of shape (n_rows,)
        Regression: expected label. Classification: P(Buy) − P(Sell), in [−1, 1]. NaN for a row
        with an unknown feature.
    sd : ndarray of shape (n_rows,) or None
        Regression: standard deviation of the label around the mean, from training residuals.
    classes : tuple of int
        Classification: the classes, in the order of `probabilities`; empty for regression.
    probabilities : ndarray of shape (n_rows, n_classes) or None
        Classification: probability of each class; rows sum to 1.
    """

    mean: FloatArray
    sd: FloatArray | None = None
    classes: tuple[int, ...] = ()
    probabilities: FloatArray | None = None
