"""Random forest and histogram gradient boosting, fitted by scikit-learn, kept as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.random import default_rng
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tradewright.domain.errors import ConfigError
from tradewright.forecasts import trees
from tradewright.forecasts.model import Common, IntArray, TabularModel, Training
from tradewright.forecasts.rows import FloatArray

_FILE: Final = "trees.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomForestSettings(Common):
    """Settings of a random forest.

    Parameters
    ----------
    n_trees : int
        Trees.
    max_depth : int
        Largest depth of a tree.
    min_leaf : int
        Fewest rows of a leaf.
    max_features : float
        Share of the features tried at a split; 0 takes the square root of their number.
    block_dates : int
        Length, in dates, of the blocks that the bootstrap draws; overlapping labels make rows of
        neighbouring dates dependent, so that drawing single rows would overstate the evidence.
    """

    n_trees: int = 500
    max_depth: int = 6
    min_leaf: int = 50
    max_features: float = 0.0
    block_dates: int = 21

    def __post_init__(self) -> None:
        Common.__post_init__(self)
        for name in ("n_trees", "max_depth", "min_leaf", "block_dates"):
            if getattr(self, name) < 1:
                raise ConfigError(f"random_forest: {name} is {getattr(self, name)}, wanted >= 1")
        if not 0 <= self.max_features <= 1:
            raise ConfigError(f"random_forest: max_features is {self.max_features}, wanted 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientBoostingSettings(Common):
    """Settings of histogram gradient boosting.

    Parameters
    ----------
    rounds : int
        Boosting rounds.
    rate : float
        Learning rate.
    leaves : int
        Most leaves of a tree.
    min_leaf : int
        Fewest rows of a leaf.
    l2 : float
        Ridge penalty on leaf values.
    """

    rounds: int = 200
    rate: float = 0.03
    leaves: int = 15
    min_leaf: int = 50
    l2: float = 1.0

    def __post_init__(self) -> None:
        Common.__post_init__(self)
        if min(self.rounds, self.min_leaf) < 1 or self.leaves < 2:
            raise ConfigError("gradient_boosting: rounds and min_leaf must be >= 1, leaves >= 2")
        if not 0 < self.rate <= 1 or self.l2 < 0:
            raise ConfigError("gradient_boosting: rate must be in (0, 1] and l2 >= 0")


class _TreeModel(TabularModel):
    """What the two models share: trees in one NPZ file."""

    trees_: trees.Trees

    def _files(self) -> dict[str, bytes]:
        return {_FILE: self.trees_.to_bytes()}

    def _restore(self, files: Mapping[str, bytes]) -> None:
        self.trees_ = trees.read_trees(
            files.get(_FILE, b""),
            n_features=len(self.names_),
            n_outputs=self._n_outputs(len(self.classes_)),
            where=_FILE,
        )

    def _n_outputs(self, n_classes: int) -> int:
        return max(1, n_classes)


class RandomForest(_TreeModel):
    """Mean of deep trees grown on blocks of dates drawn with replacement.

    Notes
    -----
    Timing: learns from the rows it is given only; purging them is the caller's part.
    Missing data: see `TabularModel`.

    References
    ----------
    .. [1] L. Breiman, "Random Forests", Machine Learning 45, 2001.
    .. [2] H. Künsch, "The Jackknife and the Bootstrap for General Stationary Observations",
       Annals of Statistics 17, 1989 (blocks).
    """

    kind: ClassVar[str] = "random_forest"
    Settings: ClassVar[type[Common]] = RandomForestSettings

    def _learn(self, training: Training) -> None:
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        make: Any = DecisionTreeClassifier if self.is_classifier else DecisionTreeRegressor
        settings = self.settings
        random = default_rng(settings.seed)
        # scikit-learn compares in float32; growing on rounded values makes thresholds exact.
        values = training.values.astype(np.float32)
        grown = []
        for _ in range(settings.n_trees):
            weight = training.weight * _block_draws(training.group, settings.block_dates, random)
            tree = make(
                max_depth=settings.max_depth,
                min_samples_leaf=settings.min_leaf,
                max_features=settings.max_features or "sqrt",
                random_state=int(random.integers(2**31 - 1)),
            )
            grown.append(tree.fit(values, training.target, sample_weight=weight))
        if self.is_classifier:
            # A draw may miss a class; then its tree has fewer columns than the forest.
            grown = [t for t in grown if len(t.classes_) == training.n_classes] or grown
        self.trees_ = trees.from_forest(grown, n_outputs=self._n_outputs(training.n_classes))

    def _forecast(self, values: FloatArray) -> FloatArray:
        rounded = np.ascontiguousarray(values.astype(np.float32).astype(np.float64))
        return self.trees_.predict(rounded)


class GradientBoosting(_TreeModel):
    """Histogram gradient boosting (squared error, or log loss for classes).

    Notes
    -----
    Timing: learns from the rows it is given only; there is no early stopping on random rows.
    Missing data: see `TabularModel`.

    References
    ----------
    .. [1] J. Friedman, "Greedy Function Approximation: A Gradient Boosting Machine", Annals of
       Statistics 29, 2001.
    """

    kind: ClassVar[str] = "gradient_boosting"
    Settings: ClassVar[type[Common]] = GradientBoostingSettings

    def _learn(self, training: Training) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        make: Any = (
            HistGradientBoostingClassifier if self.is_classifier else HistGradientBoostingRegressor
        )
        settings = self.settings
        model = make(
            max_iter=settings.rounds,
            learning_rate=settings.rate,
            max_leaf_nodes=settings.leaves,
            min_samples_leaf=settings.min_leaf,
            l2_regularization=settings.l2,
            early_stopping=False,
            random_state=settings.seed,
        )
        # Equal weights are left out: with weights the library bins by slow weighted percentiles.
        weight = None if np.ptp(training.weight) == 0 else training.weight
        with threadpool_limits(limits=settings.threads):
            model.fit(training.values, training.target, sample_weight=weight)
        # No public attribute gives the trees; a test pins that they predict as the library does.
        self.trees_ = trees.from_histogram_boosting(model._predictors, model._baseline_prediction)

    def _n_outputs(self, n_classes: int) -> int:
        return n_classes if n_classes > 2 else 1

    def _forecast(self, values: FloatArray) -> FloatArray:
        raw = self.trees_.predict(values)
        if not self.is_classifier:
            return raw
        if len(self.classes_) == 2:
            raw = np.hstack([np.zeros_like(raw), raw])
        raw = np.exp(raw - raw.max(axis=1, keepdims=True))
        probabilities: FloatArray = raw / raw.sum(axis=1, keepdims=True)
        return probabilities


def _block_draws(group: IntArray, block: int, random: np.random.Generator) -> FloatArray:
    """Count how often each row is drawn when blocks of dates are drawn with replacement."""
    dates, position = np.unique(group, return_inverse=True)
    n_dates = len(dates)
    block = min(block, n_dates)
    starts = random.integers(0, n_dates, -(-n_dates // block))
    drawn = (starts[:, None] + np.arange(block)[None, :]).ravel()[:n_dates] % n_dates
    draws: FloatArray = np.bincount(drawn, minlength=n_dates).astype(np.float64)[position]
    return draws
