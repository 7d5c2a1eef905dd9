"""Read the times of a table: format, order of day and month, time zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.time import NS_PER_DAY
from tradewright.marketdata.importers.columns import TIME_OF_DAY
from tradewright.marketdata.importers.options import ImportOptions

if TYPE_CHECKING:
    import polars as pl

CLOCK: Final = r"(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?)?"
ZONE: Final = r"\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
YEAR_FIRST: Final = rf"^(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){CLOCK}{ZONE}$"
YEAR_LAST: Final = rf"^(\d{{1,2}})[-/.](\d{{1,2}})[-/.](\d{{4}}){CLOCK}{ZONE}$"
PACKED: Final = rf"^(\d{{4}})(\d{{2}})(\d{{2}}){CLOCK}{ZONE}$"
EPOCH: Final = r"^\d{9,19}$"
UNITS: Final = (
    (10**11, 10**9, "s"),
    (10**14, 10**6, "ms"),
    (10**17, 10**3, "us"),
    (2**63, 1, "ns"),
)


@dataclass(frozen=True, slots=True, eq=False)
class ReadTimes:
    """Times of a table.

    Parameters
    ----------
    ts : polars.Series of int64
        UTC nanoseconds, or midnight UTC of the date when `is_date`; null where unreadable.
    is_date : bool
        Whether the times are session dates without a time of day.
    detected : dict of str to str
        Format and zone, in words.
    """

    ts: pl.Series
    is_date: bool
    detected: dict[str, str]


def read_times(table: pl.DataFrame, columns: dict[str, str], options: ImportOptions) -> ReadTimes:
    """Return the times of a table's rows.

    Parameters
    ----------
    table : polars.DataFrame
        The table as loaded.
    columns : dict of str to str
        Field to column, from `find_columns`.
    options : ImportOptions
        ``timezone`` for times without an offset, ``day_first`` for ambiguous dates.

    Returns
    -------
    ReadTimes
        Time, whether it is a date only, and what was detected.

    Raises
    ------
    ConfigError
        If the order of day and month or the time zone cannot be told from the data.
    DataError
        If times with and without an offset are mixed, or no time can be read.
    """
    import polars as pl

    column = table[columns["time"]]
    if column.dtype == pl.Date:
        stamps = table.select(_bounded(pl.col(column.name)) * NS_PER_DAY).to_series()
        return ReadTimes(stamps, True, {"time": "dates"})
    if isinstance(column.dtype, pl.Datetime):
        return _typed(column, options)
    if column.dtype.is_integer():
        return _epoch(column.cast(pl.Int64))
    if column.dtype not in (pl.String, pl.Categorical):
        raise DataError(f"column {column.name!r} holds {column.dtype}, wanted times")
    text = column.cast(pl.String).str.strip_chars()
    if TIME_OF_DAY in columns:
        text = text + " " + table[columns[TIME_OF_DAY]].cast(pl.String).str.strip_chars()
    return _text(text, table, columns, options)


def _text(
    text: pl.Series, table: pl.DataFrame, columns: dict[str, str], options: ImportOptions
) -> ReadTimes:
    import polars as pl

    present = text.drop_nulls()
    counts = {p: int(present.str.contains(p).sum()) for p in (EPOCH, YEAR_FIRST, YEAR_LAST, PACKED)}
    pattern = max(counts, key=lambda p: counts[p])
    if not counts[pattern]:
        shown = ", ".join(repr(value) for value in present.head(3))
        raise DataError(f"column {columns['time']!r} holds no time that can be read: {shown}")
    if pattern == EPOCH and counts[EPOCH] > counts[PACKED]:
        return _epoch(text.str.extract(r"^(\d{9,19})$").cast(pl.Int64, strict=False))
    if counts[PACKED] == counts[pattern]:
        pattern = PACKED
    parts = pl.DataFrame({"text": text}).select(
        *[pl.col("text").str.extract(pattern, i).alias(f"p{i}") for i in range(1, 9)]
    )
    *fields, shape = _date_parts(parts, pattern, options)
    year, month, day = (pl.col(field) for field in fields)
    number = {f"p{i}": pl.col(f"p{i}").cast(pl.Int64, strict=False) for i in (4, 5, 6)}
    nanos = (pl.col("p7").str.slice(1).str.pad_end(9, "0").cast(pl.Int64)).fill_null(0)
    date = pl.concat_str(year, month.str.zfill(2), day.str.zfill(2), separator="-")
    clock = number["p4"] * 3600 + number["p5"] * 60 + number["p6"].fill_null(0)
    wall = parts.select(
        (_bounded(date.str.to_date("%Y-%m-%d", strict=False)) * NS_PER_DAY).alias("date"),
        (clock * 10**9 + nanos).alias("clock"),
        pl.col("p8").alias("zone"),
    )
    return _zoned(wall, shape, table, columns, options)


# Days since 1970, kept within what nanoseconds hold (1696 to 2260).
def _bounded(date: pl.Expr) -> pl.Expr:
    import polars as pl

    return date.cast(pl.Int64).clip(-100_000, 106_000)


def _date_parts(
    parts: pl.DataFrame, pattern: str, options: ImportOptions
) -> tuple[str, str, str, str]:
    import polars as pl

    if pattern in (YEAR_FIRST, PACKED):
        return "p1", "p2", "p3", "year, month, day"
    first, second = (
        parts.select(pl.col(name).cast(pl.Int32, strict=False).max()).item()
        for name in ("p1", "p2")
    )
    if first > 12 and second > 12:
        raise DataError("dates mix day-first and month-first order; bring them to one order")
    proven = True if first > 12 else False if second > 12 else None
    given = options.day_first
    if proven is None and given is None:
        raise ConfigError("dates could be day-first or month-first; give day_first=True or False")
    if proven is not None and given is not None and proven != given:
        order = "day-first" if proven else "month-first"
        raise ConfigError(f"day_first={given} was given, but a date shows {order} order")
    if proven or (proven is None and given):
        return "p3", "p2", "p1", "day, month, year"
    return "p3", "p1", "p2", "month, day, year"


def _zoned(
    wall: pl.DataFrame,
    shape: str,
    table: pl.DataFrame,
    columns: dict[str, str],
    options: ImportOptions,
) -> ReadTimes:
    import polars as pl

    known = wall.filter(pl.col("date").is_not_null())
    has_clock = known["clock"].is_not_null()
    if not has_clock.any() or ((known["clock"].fill_null(0) == 0).all() and known.height > 1):
        label = "dates" if not has_clock.any() else "midnights of the session's own zone"
        return ReadTimes(wall["date"], True, {"time": f"{shape}; {label}"})
    if not has_clock.all():
        raise DataError("some times have a time of day and some have none; bring them to one form")
    with_zone = known["zone"].is_not_null()
    stamps = wall["date"] + wall["clock"]
    if with_zone.all():
        offsets = wall.select(_offset_ns(pl.col("zone"))).to_series()
        found = {"time": f"{shape}; time of day with offset", "timezone": "offset in the data"}
        return ReadTimes(stamps - offsets, False, found)
    if with_zone.any():
        row = int(table["__line__"][int((~wall["zone"].is_not_null()).arg_max() or 0)])
        raise DataError(
            f"times with and without a UTC offset are mixed; the first without is on line {row}"
        )
    found = {"time": f"{shape}; time of day without offset", "timezone": f"{options.timezone}"}
    return ReadTimes(_to_utc(stamps, table, columns, options.timezone), False, found)


def _offset_ns(zone: pl.Expr) -> pl.Expr:
    import polars as pl

    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    digits = zone.str.replace(":", "")
    hours = digits.str.slice(1, 2).cast(pl.Int64, strict=False)
    minutes = digits.str.slice(3, 2).cast(pl.Int64, strict=False)
    return (sign * (hours * 60 + minutes) * 60 * 10**9).fill_null(0)


# A wall time that occurs twice (clocks go back) is told apart by the order of the rows; one that
# occurs once in that hour, or falls into the skipped hour, stays unreadable.
def _to_utc(
    stamps: pl.Series, table: pl.DataFrame, columns: dict[str, str], timezone: str | None
) -> pl.Series:
    import polars as pl

    if timezone is None:
        raise ConfigError(
            f"times in column {columns['time']!r} carry no zone; give timezone='UTC' or an IANA "
            "name such as 'America/New_York'"
        )
    wall = pl.col("ts").cast(pl.Datetime("ns"))
    symbol = (
        table[columns["symbol"]] if "symbol" in columns else pl.repeat("", len(stamps), eager=True)
    )
    rows = pl.DataFrame({"ts": stamps, "symbol": symbol})
    both = rows.with_columns(
        early=wall.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null"),
        late=wall.dt.replace_time_zone(timezone, ambiguous="latest", non_existent="null"),
        turn=pl.int_range(pl.len()).over("symbol", "ts"),
        times=pl.len().over("symbol", "ts"),
    )
    chosen = (
        pl.when(pl.col("early") == pl.col("late"))
        .then(pl.col("early"))
        .when((pl.col("times") == 2) & (pl.col("turn") == 0))
        .then(pl.col("early"))
        .when((pl.col("times") == 2) & (pl.col("turn") == 1))
        .then(pl.col("late"))
    )
    return both.select(chosen.dt.convert_time_zone("UTC").cast(pl.Int64)).to_series()


def _typed(column: pl.Series, options: ImportOptions) -> ReadTimes:
    import polars as pl

    zone = getattr(column.dtype, "time_zone", None)
    local = column.dt.replace_time_zone(None).cast(pl.Datetime("ns")).cast(pl.Int64)
    if column.len() > 1 and ((local.drop_nulls() % NS_PER_DAY) == 0).all():
        return ReadTimes(local, True, {"time": f"midnights{f' of {zone}' if zone else ''}: dates"})
    if zone is None:
        table = pl.DataFrame({"t": column}).with_row_index("__line__", offset=1)
        stamps = _to_utc(local, table, {"time": column.name}, options.timezone)
        return ReadTimes(stamps, False, {"time": "times", "timezone": f"{options.timezone}"})
    stamps = column.cast(pl.Datetime("ns", zone)).dt.convert_time_zone("UTC").cast(pl.Int64)
    return ReadTimes(stamps, False, {"time": "times with a zone", "timezone": zone})


def _epoch(column: pl.Series) -> ReadTimes:
    top = int(column.abs().max() or 0)  # type: ignore[arg-type]
    for limit, factor, unit in UNITS:
        if top < limit:
            stamps = column * factor
            is_date = column.len() > 1 and bool(((stamps.drop_nulls() % NS_PER_DAY) == 0).all())
            found = {"time": f"{unit} since 1970", "timezone": "UTC"}
            return ReadTimes(stamps, is_date, found)
    raise DataError("times are no epoch numbers")
