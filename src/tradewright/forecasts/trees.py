"""Trees as plain arrays, and the exact predictor over them.

scikit-learn offers no safe file for its trees (ONNX rounds thresholds to float32, the rest is
pickle), so they are taken out as arrays right after the fit: the fitted and the loaded model
predict with the same code from the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ModelError
from tradewright.forecasts import safe_files
from tradewright.forecasts.rows import FloatArray
from tradewright.jit import jit

_TYPES: Final = {
    "left": "int32",
    "right": "int32",
    "feature": "int32",
    "threshold": "float64",
    "value": "float64",
    "root": "int64",
    "output": "int32",
    "start": "float64",
}


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Trees whose leaf values are summed.

    Parameters
    ----------
    left, right : ndarray of shape (n_nodes,), int32
        Child nodes, counted inside the tree; 0 marks a leaf.
    feature : ndarray of shape (n_nodes,), int32
        Column tested; a value at or below `threshold` goes left.
    threshold : ndarray of shape (n_nodes,), float64
        Limit of the test.
    value : ndarray of shape (n_nodes, n_values)
        Added to the outputs from `output` on, at a leaf.
    root : ndarray of shape (n_trees + 1,), int64
        First node of each tree, and the end.
    output : ndarray of shape (n_trees,), int32
        First output column of each tree.
    start : ndarray of shape (n_outputs,)
        Value before any tree.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: FloatArray
    value: FloatArray
    root: NDArray[np.int64]
    output: NDArray[np.int32]
    start: FloatArray

    def predict(self, values: FloatArray) -> FloatArray:
        """Return the sums of shape (n_rows, n_outputs) for finite feature rows."""
        out = np.tile(self.start, (len(values), 1))
        _add_trees(
            values,
            self.left,
            self.right,
            self.feature,
            self.threshold,
            self.value,
            self.root,
            self.output,
            out,
        )
        return out

    def to_bytes(self) -> bytes:
        """Return the trees as an NPZ file."""
        return safe_files.write_arrays({name: getattr(self, name) for name in _TYPES})


def read_trees(data: bytes, *, n_features: int, n_outputs: int, where: str) -> Trees:
    """Read trees and check that every walk through them ends inside them.

    Raises
    ------
    ModelError
        If an array is missing or malformed, a child does not come after its parent, or a column
        or output is out of range.
    """
    arrays = safe_files.read_arrays(data, _TYPES, where)
    trees = Trees(**arrays)
    n_nodes, n_trees = len(trees.left), len(trees.output)
    shapes_fit = (
        all(arrays[name].shape == (n_nodes,) for name in ("right", "feature", "threshold"))
        and trees.value.ndim == 2
        and len(trees.value) == n_nodes
        and trees.root.shape == (n_trees + 1,)
        and trees.output.ndim == 1
        and trees.start.shape == (n_outputs,)
        and n_nodes > 0
        and trees.root[0] == 0
        and trees.root[-1] == n_nodes
        and bool((np.diff(trees.root) > 0).all())
    )
    if not shapes_fit:
        raise ModelError(f"{where}: the arrays of the trees do not fit together")
    sizes = np.diff(trees.root)
    inside = np.arange(n_nodes) - np.repeat(trees.root[:-1], sizes)
    size = np.repeat(sizes, sizes)
    leaf = trees.left == 0
    walks_end = (
        ((trees.left > inside) & (trees.left < size) & (trees.right > inside))
        & (trees.right < size)
        & (trees.feature >= 0)
        & (trees.feature < n_features)
    )
    if not (leaf | walks_end).all():
        raise ModelError(f"{where}: a tree has a node that leads outside or back")
    last = trees.output + trees.value.shape[1]
    if (trees.output < 0).any() or (last > n_outputs).any():
        raise ModelError(f"{where}: a tree adds to an output that does not exist")
    if not (np.isfinite(trees.value).all() and np.isfinite(trees.start).all()):
        raise ModelError(f"{where}: a leaf value is not finite")
    return trees


def from_forest(estimators: Sequence[Any], *, n_outputs: int) -> Trees:
    """Take the trees out of fitted scikit-learn decision trees; their mean is the forecast."""
    parts = [estimator.tree_ for estimator in estimators]
    both = [(part, part.children_left < 0) for part in parts]
    values = []
    for part in parts:
        value = part.value[:, 0, :].astype(np.float64)
        if n_outputs > 1:
            value = value / value.sum(axis=1, keepdims=True)
        values.append(value / len(parts))
    return Trees(
        left=_join([np.where(end, 0, p.children_left) for p, end in both], "i4"),
        right=_join([np.where(end, 0, p.children_right) for p, end in both], "i4"),
        feature=_join([np.where(end, 0, p.feature) for p, end in both], "i4"),
        threshold=_join([np.where(end, 0.0, p.threshold) for p, end in both]),
        value=_join(values),
        root=np.cumsum([0] + [part.node_count for part in parts], dtype=np.int64),
        output=np.zeros(len(parts), np.int32),
        start=np.zeros(n_outputs),
    )


def from_histogram_boosting(predictors: Sequence[Sequence[Any]], start: FloatArray) -> Trees:
    """Take the trees out of a fitted scikit-learn histogram boosting."""
    nodes = [predictor.nodes for stage in predictors for predictor in stage]
    outputs = [column for stage in predictors for column in range(len(stage))]
    both = [(node, node["is_leaf"].astype(bool)) for node in nodes]
    return Trees(
        left=_join([np.where(end, 0, node["left"]) for node, end in both], "i4"),
        right=_join([np.where(end, 0, node["right"]) for node, end in both], "i4"),
        feature=_join([np.where(end, 0, node["feature_idx"]) for node, end in both], "i4"),
        threshold=_join([np.where(end, 0.0, node["num_threshold"]) for node, end in both]),
        value=_join([node["value"].astype(np.float64)[:, None] for node in nodes]),
        root=np.cumsum([0] + [len(node) for node in nodes], dtype=np.int64),
        output=np.asarray(outputs, np.int32),
        start=np.asarray(start, np.float64).ravel(),
    )


def _join(parts: Sequence[NDArray[Any]], dtype: str = "f8") -> NDArray[Any]:
    return np.ascontiguousarray(np.concatenate(parts), dtype=np.dtype(dtype))


@jit(nogil=True)
def _add_trees(  # noqa: PLR0917
    values: FloatArray,
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    feature: NDArray[np.int32],
    threshold: FloatArray,
    value: FloatArray,
    root: NDArray[np.int64],
    output: NDArray[np.int32],
    out: FloatArray,
) -> None:
    for row in range(values.shape[0]):
        for tree in range(output.shape[0]):
            first = root[tree]
            node = first
            while left[node] > 0:
                below = values[row, feature[node]] <= threshold[node]
                node = first + (left[node] if below else right[node])
            for k in range(value.shape[1]):
                out[row, output[tree] + k] += value[node, k]
