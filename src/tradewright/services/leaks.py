"""The leak guard as a use case: one call before a result may be believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tradewright.domain.bars import Bars

if TYPE_CHECKING:
    from tradewright.training.leak_guard import LeakReport


def leak_check(
    features: Any,
    bars: Bars,
    *,
    quick: bool = False,
    settle_rows: int | Mapping[str, int] | None = None,
    tables: Mapping[str, Any] | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> LeakReport:
    """Check that features use the past only, at every decision date.

    Parameters
    ----------
    features : str, iterable of str or FeatureSpec, callable, or mapping of name to these
        Names (``["rsi(14)", "zscore(volume, 60)"]``), or functions
        ``f(bars) -> ndarray (n_bars, n_instruments[, n_columns])`` or `FeatureTable`.
    bars : Bars
        Market data.
    quick : bool
        Sample 64 dates plus the first and last 5; no result may rest on it.
    settle_rows : int or mapping, optional
        For functions: rows after which the start of the data no longer matters. Makes the check
        fast, and adds the check of the start.
    tables : mapping of str to SideTable, optional
        Side data with the time each row became known; functions then take ``(bars, tables)``.
    progress : callable, optional
        Told ``(fraction, message)``.

    Returns
    -------
    LeakReport
        ``str(report)`` is one sentence; ``report.raise_if_leaking()`` raises `LeakError`.

    Raises
    ------
    ConfigError
        If a feature cannot be read.
    DataError
        If a function raises or returns another shape.

    Examples
    --------
    >>> import numpy as np, tradewright as tw
    >>> bars = tw.sample_bars(["AAPL"]).rows(0, 300)
    >>> leak_check("rsi(14)", bars).ok
    True
    >>> def tomorrow(bars):
    ...     return np.append(bars.close[1:], bars.close[-1:], axis=0)
    >>> leak_check(tomorrow, bars).column
    'tomorrow'
    """
    from tradewright.training.leak_guard import GuardSettings, check

    settings = GuardSettings(
        quick=quick, settle_rows=settle_rows, tables=tables or {}, progress=progress
    )
    return check(features, bars, settings)
