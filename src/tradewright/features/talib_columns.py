"""TA-Lib's functions over panels, column by column, in threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewright.features.remembering import in_use
from tradewright.features.rolling import spread
from tradewright.features.specs import Panel


def talib_columns(
    name: str, inputs: Sequence[Panel], *, rows: int | None = None, **parameters: Any
) -> tuple[Panel, ...]:
    """Call a TA-Lib function on every column.

    Parameters
    ----------
    name : str
        TA-Lib name, for example ``ADX``.
    inputs : sequence of ndarray of shape (n_rows, n_columns)
        Its series, in its order.
    rows : int or None
        Rows that one value depends on; None where all before it count. Only the former can be
        updated bar by bar.
    **parameters
        Its parameters.

    Returns
    -------
    tuple of ndarray of shape (n_rows, n_columns)
        Its outputs; NaN before the first value.

    Notes
    -----
    Timing: the functions used run forwards only; row ``t`` uses rows ``0..t``.
    Missing data: a row with a NaN in any input is left out and is NaN in the result, so that one
    missing value does not spoil the rest of the column.
    """
    memory = in_use()
    if memory is not None:
        assert rows is not None, f"{name} remembers more than rows"
        return memory.over(
            lambda *p: _call(name, p, parameters), rows, tuple(inputs), in_blocks=False
        )
    return _call(name, inputs, parameters)


def _call(name: str, inputs: Sequence[Panel], parameters: dict[str, Any]) -> tuple[Panel, ...]:
    import talib

    function = getattr(talib, name)
    shape = inputs[0].shape
    # Column-major copies: every column is one contiguous series.
    series = [np.ascontiguousarray(x.T) for x in inputs]
    outputs: list[Panel] = []

    def store(column: int, results: Any, rows: Any) -> None:
        for out, values in zip(outputs, results, strict=True):
            out[rows, column] = values

    def run(column: int) -> None:
        parts = [s[column] for s in series]
        gaps = np.isnan(parts[0])
        for part in parts[1:]:
            gaps |= np.isnan(part)
        if not gaps.any():
            store(column, _several(function(*parts, **parameters)), slice(None))
            return
        rows = np.flatnonzero(~gaps)
        if len(rows) > 1:
            results = function(*[p[rows] for p in parts], **parameters)
            store(column, _several(results), rows)

    count = _outputs(function, len(inputs), parameters)
    outputs.extend(np.full(shape, np.nan) for _ in range(count))

    def work(first: int, last: int) -> None:
        for column in range(first, last):
            run(column)

    spread(work, *shape)
    return tuple(outputs)


def _several(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)


def _outputs(function: Any, inputs: int, parameters: dict[str, Any]) -> int:
    probe = np.linspace(1.0, 2.0, 4)
    return len(_several(function(*[probe] * inputs, **parameters)))
