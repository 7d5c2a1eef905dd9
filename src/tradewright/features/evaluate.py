"""From specs and bars to values, and the 13 technical indicators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError
from tradewright.features.own_bars import DAILY, OwnBars, own_bars
from tradewright.features.parsing import TECHNICAL_LEVELS, parse_features
from tradewright.features.registry import find
from tradewright.features.specs import FeatureSpec, FeatureTable, Panel

DEFAULT_13: Final = (
    "sma_20",
    "ema_12",
    "rsi_14",
    "macd_line",
    "macd_signal",
    "macd_histogram",
    "bb_upper",
    "bb_lower",
    "bb_width",
    "bb_position",
    "atr_14",
    "obv",
    "vwap",
)
_BY_DEFAULT_NAME: Final = dict(zip(DEFAULT_13, TECHNICAL_LEVELS, strict=True))


def compute(specs: str | Iterable[str | FeatureSpec], bars: Bars) -> FeatureTable:
    """Return the values of features for every bar and instrument.

    Parameters
    ----------
    specs : str, or iterable of str or FeatureSpec
        What to compute; text is read by `parse_features`.
    bars : Bars
        Market data.

    Returns
    -------
    FeatureTable
        One panel (n_bars, n_instruments) a feature. A column without any value (too few bars) is
        all NaN and named in the notes.

    Raises
    ------
    ConfigError
        If a feature cannot be read, or needs volume that an instrument does not have.
    DataError
        If there are fewer than 2 rows, an infinite value, a price not above zero where a
        logarithm needs one, or a user's feature raises or returns another shape.

    Notes
    -----
    Timing: row ``t`` uses rows ``0..t``; known at the close of bar ``t``.
    Missing data: windows count the instrument's own bars; rows without a bar are NaN.
    """
    wanted = parse_features(specs)
    check_inputs(wanted, bars)
    return table_of(wanted, bars)


def technical_indicators(bars: Bars, names: Sequence[str] = DEFAULT_13) -> FeatureTable:
    """Return technical indicators with the values traders know them by.

    Parameters
    ----------
    bars : Bars
        Market data.
    names : sequence of str
        ``sma_N ema_N rsi_N macd bollinger_bands atr_N obv vwap``, any single column of these, or
        any name of the catalogue with its number (``wma_20``). The default gives 13 columns.

    Returns
    -------
    FeatureTable
        Columns named as asked; ``macd`` gives ``macd_line macd_signal macd_histogram``,
        ``bollinger_bands`` gives ``bb_upper bb_lower bb_width bb_position``.

    Raises
    ------
    ConfigError, DataError
        As `compute`.

    Notes
    -----
    Timing: row ``t`` uses rows ``0..t``. Values equal TA-Lib's, except the relative strength of a
    price that does not change at all, which is 50 here and 0 there. ``vwap`` covers 20 bars on
    daily data and is anchored at the start of the UTC day on intraday data. These are raw levels;
    models take their stationary forms (`parse_features` of ``technical_indicators``).
    """
    wanted: dict[str, FeatureSpec] = {}
    for name in names:
        text = _BY_DEFAULT_NAME.get(name, name)
        if name == "vwap" and bars.interval not in DAILY:
            text = "session_vwap"
        specs = parse_features(text)
        for spec in specs:
            single = len(specs) == 1 and not spec.series
            wanted[name if single else spec.definition] = spec
    chosen = tuple(wanted.values())
    check_inputs(chosen, bars)
    return table_of(chosen, bars, names=tuple(wanted))


def values_on(own: OwnBars, spec: FeatureSpec) -> Panel:
    """Return the values of a feature on own bars, shared parts computed once.

    Raises
    ------
    DataError
        If a user's feature raises or returns another shape.
    """
    done: Panel | None = own.memo.get(spec.name)
    if done is not None:
        return done
    series = tuple(values_on(own, inner) for inner in spec.series)
    definition = find(spec.definition)
    if definition.built_in:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            values = definition.call(own, spec, series)
    else:
        values = _call_user(definition, own, spec, series)
    values = np.asarray(values, dtype=np.float64)
    if values.shape != own.shape:
        raise DataError(
            f"feature {spec.name} returned shape {values.shape}, wanted {own.shape} "
            f"(own bars, instruments)"
        )
    if values.flags.writeable:
        values = values.view()
        values.flags.writeable = False
    own.memo[spec.name] = values
    return values


def _call_user(definition: object, own: OwnBars, spec: FeatureSpec, series: object) -> Panel:
    try:
        return definition.call(own, spec, series)  # type: ignore[attr-defined,no-any-return]
    except Exception as error:
        raise DataError(f"feature {spec.name} raised {type(error).__name__}: {error}") from error


def table_of(
    specs: tuple[FeatureSpec, ...], bars: Bars, *, names: tuple[str, ...] = ()
) -> FeatureTable:
    """Return the values of specs on bars that `check_inputs` passed, under `names` if given."""
    names = names or tuple(spec.name for spec in specs)
    own = own_bars(bars)
    panels = []
    for spec in specs:
        panel = own.spread(values_on(own, spec))
        panel.flags.writeable = False
        panels.append(panel)
    longest = int(own.counts.max())
    notes = tuple(
        f"{name} has no value: it needs {spec.min_rows} bars, the longest instrument has {longest}"
        for name, spec in zip(names, specs, strict=True)
        if spec.min_rows > longest
    )
    return FeatureTable(names, tuple(panels), specs, bars.ts, bars.symbols, notes)


def check_inputs(specs: Sequence[FeatureSpec], bars: Bars) -> None:
    """Raise if bars cannot carry the features.

    Parameters
    ----------
    specs : sequence of FeatureSpec
        What is to be computed.
    bars : Bars
        Market data.

    Raises
    ------
    DataError
        Fewer than 2 rows, an infinite value, or a price that must be above zero and is not.
    ConfigError
        An instrument has no volume at all and features need it.
    """
    if bars.n_bars < 2:
        raise DataError(f"features need at least 2 rows of bars, found {bars.n_bars}")
    check_numbers(specs, bars)
    thirsty = [spec.name for spec in specs if "volume" in spec.inputs]
    if thirsty:
        dry = np.isnan(bars.volume).all(axis=0) & ~np.isnan(bars.close).all(axis=0)
        if dry.any():
            symbols = ", ".join(np.array(bars.symbols)[dry])
            raise ConfigError(f"no volume for {symbols}; these need it: {', '.join(thirsty)}")


def check_numbers(specs: Sequence[FeatureSpec], bars: Bars) -> None:
    """Raise if a number in the bars is none that features can be computed from.

    Parameters
    ----------
    specs : sequence of FeatureSpec
        What is to be computed.
    bars : Bars
        Market data.

    Raises
    ------
    DataError
        An infinite value, or a price that must be above zero and is not.
    """
    used = {name for spec in specs for name in spec.inputs} - {"ts"}
    for name in sorted(used):
        array = getattr(bars, name)
        # The sum is finite unless a value is infinite or NaN, and reads the panel once.
        if not np.isfinite(array.sum()) and np.isinf(array).any():
            raise DataError(f"{name} is infinite{_where(np.isinf(array), bars)}")
    positive = {name for s in specs if s.positive for name in s.inputs} - {"ts", "volume"}
    for name in sorted(positive):
        bad = getattr(bars, name) <= 0
        if bad.any():
            named = ", ".join(s.name for s in specs if s.positive and name in s.inputs)
            raise DataError(f"{name} is not above zero{_where(bad, bars)}; needed by {named}")


def _where(bad: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], bars: Bars) -> str:
    row, column = (int(i) for i in np.argwhere(bad)[0])
    return f" for {bars.symbols[column]} at {str(bars.times[row])[:19]}Z"
