"""Bars that a source does not offer, made of the finer ones that it does."""

from __future__ import annotations

import numpy as np

from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import DataError
from tradewright.domain.panels import build_bars
from tradewright.marketdata import calendar_of, resample


def put_together(bars: Bars, interval: str) -> tuple[Bars, dict[str, str]]:
    """Resample each instrument on its own calendar; whole bars only.

    Parameters
    ----------
    bars : Bars
        Finer bars, stamped with their close.
    interval : str
        A coarser intraday interval.

    Returns
    -------
    (Bars, dict of str to str)
        Coarser bars with a note ``resampled_from``, and the reason for each symbol without one.

    Raises
    ------
    DataError
        If no instrument fills a bar.

    Notes
    -----
    Timing: a first or last bar of which a part lies outside the data is left out, so that a fetch
    that begins in the middle of a session never revises a whole bar with a part of it.
    Missing data: finer bars outside every session are left out, as before the open.
    """
    made: list[Bars] = []
    reasons: dict[str, str] = {}
    for symbol in bars.symbols:
        try:
            made.append(_one(bars.select([symbol]), interval))
        except DataError as error:
            reasons[symbol] = str(error)
    if not made:
        raise DataError("; ".join(dict.fromkeys(reasons.values())))
    rows = [np.flatnonzero(~np.isnan(one.close[:, 0])) for one in made]
    panel = build_bars(
        [one.instruments[0] for one in made],
        np.repeat(np.arange(len(made)), [len(row) for row in rows]),
        np.concatenate([one.ts[row] for one, row in zip(made, rows, strict=True)]),
        {
            name: np.concatenate(
                [getattr(one, name)[row, 0] for one, row in zip(made, rows, strict=True)]
            )
            for name in FIELDS
        },
        interval=interval,
        source=bars.source,
        adjustment=bars.adjustment,
        notes=made[0].notes,
    )
    return panel, reasons


def _one(bars: Bars, interval: str) -> Bars:
    calendar = calendar_of(bars.instruments[0].calendar)
    inside = calendar.session_of(bars.ts) >= 0
    if not inside.any():
        raise DataError(f"{bars.symbols[0]}: no bar lies inside a {calendar.name} session")
    if not inside.all():
        keep = np.flatnonzero(inside)
        values = {name: getattr(bars, name)[keep, 0] for name in FIELDS}
        bars = build_bars(
            bars.instruments,
            np.zeros(len(keep), dtype=np.int64),
            bars.ts[keep],
            values,
            interval=bars.interval,
            source=bars.source,
            adjustment=bars.adjustment,
            notes=bars.notes,
        )
    return resample(bars, interval, keep_begun=False)
