"""Read a file or a frame of another library into one Polars table of columns as they are."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tradewright.domain.errors import ConfigError, DataError

if TYPE_CHECKING:
    import polars as pl

TEXT: Final = (".csv", ".txt", ".tsv")
LINE: Final = "__line__"
LARGEST_BYTES: Final = 2 << 30
UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
BINARY_START: Final = (b"PAR1", b"ARROW1", b"PK\x03\x04", b"\x89HDF")


def load_table(source: Any) -> tuple[pl.DataFrame, str]:
    """Return the table of a source and a name for messages.

    Parameters
    ----------
    source : path, str, polars.DataFrame, polars.LazyFrame or pandas.DataFrame
        CSV (also ``.txt``, ``.tsv``, ``.gz``), Parquet (``.parquet``), Feather or Arrow
        (``.feather``, ``.arrow``, ``.ipc``).

    Returns
    -------
    (polars.DataFrame, str)
        The table with a column ``__line__`` (line of the file, or row of a frame starting at 1);
        columns of text files are text.

    Raises
    ------
    DataError
        If the file is missing, empty, damaged, or no table.
    ConfigError
        If the kind of source is not known.
    """
    import polars as pl

    if isinstance(source, pl.LazyFrame):
        source = source.collect()
    if isinstance(source, pl.DataFrame):
        return _numbered(source, 1), "the frame"
    if hasattr(source, "reset_index") and hasattr(source, "iloc"):
        return _numbered(_from_pandas(source), 1), "the frame"
    if not isinstance(source, str | Path):
        raise ConfigError(
            f"cannot read bars from {type(source).__name__}; "
            "give a path, a Polars frame or a pandas frame"
        )
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{path}: this is a folder; give its files")
    if not path.is_file():
        what = "this is no regular file" if path.exists() else "there is no such file"
        raise DataError(f"{path}: {what}")
    try:
        return _read_file(path), path.name
    except (pl.exceptions.PolarsError, OSError, EOFError, zlib.error) as error:
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(f"{path}: cannot be read as a table: {first}") from error


def _read_file(path: Path) -> pl.DataFrame:
    import polars as pl

    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = suffixes[-1] if suffixes else ""
    if kind == ".parquet":
        return _numbered(pl.read_parquet(path, memory_map=False), 1)
    if kind in (".feather", ".arrow", ".ipc"):
        return _numbered(pl.read_ipc(path.read_bytes()), 1)
    if kind == ".gz" or kind in TEXT:
        return _read_text(_unpacked(path) if kind == ".gz" else path.read_bytes(), path)
    raise ConfigError(
        f"{path}: kind {kind or 'without suffix'!r} is not known; "
        "wanted .csv, .txt, .tsv, .gz, .parquet or .feather"
    )


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as packed:
        raw = packed.read(LARGEST_BYTES + 1)
    if len(raw) > LARGEST_BYTES:
        raise DataError(f"{path}: unpacks to more than {LARGEST_BYTES >> 30} GiB; split the file")
    return raw


def _read_text(raw: bytes, path: Path) -> pl.DataFrame:
    import polars as pl

    is_wide = raw.startswith(UTF_16_MARKS)
    if raw.startswith(BINARY_START) or (b"\0" in raw[:4096] and not is_wide):
        raise DataError(f"{path}: this is no text file")
    text = raw.decode("utf-16", errors="replace") if is_wide else _decoded(raw)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise DataError(f"{path}: the file is empty")
    header = text.split("\n", 1)[0]
    if header.lstrip().startswith(("{", "[", "<")) or '{"' in header:
        raise DataError(f"{path}: these are JSON or markup lines, not a table of bars")
    separator = max(",;\t|", key=header.count)
    _check_header(header, separator, path)
    try:
        table = pl.read_csv(text.encode(), separator=separator, infer_schema=False)
    except pl.exceptions.ComputeError as error:
        raise DataError(f"{path}: {_long_line(text, separator)}") from error
    if table.height == 0:
        raise DataError(f"{path}: the file has a header but no row")
    numbered = _numbered(table, 2)
    return numbered.filter(~pl.all_horizontal(pl.exclude(LINE).is_null()))


# Polars would rename the second column of one name.
def _check_header(header: str, separator: str, path: Path) -> None:
    names = [name.strip() for name in next(csv.reader([header], delimiter=separator))]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path}: column {twice!r} stands twice in the header; rename one of them")


# Polars does not say which line has more cells than the header.
def _long_line(text: str, separator: str) -> str:
    lines = csv.reader(io.StringIO(text), delimiter=separator)
    width = len(next(lines))
    for cells in lines:
        if len(cells) > width:
            return f"line {lines.line_num} has {len(cells)} cells, the header {width}"
    return "its lines do not fit the header"


# Old exports are in the Windows code page; bars are digits and signs, the same in both.
def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _numbered(table: pl.DataFrame, first: int) -> pl.DataFrame:
    if table.height == 0:
        raise DataError("the table has no row")
    return table.with_row_index(LINE, offset=first)


# A pandas index that is named or holds times is a column of its own; a bare counter is not.
def _from_pandas(frame: Any) -> pl.DataFrame:
    import polars as pl

    if getattr(frame.columns, "nlevels", 1) > 1:
        raise ConfigError("the frame has several rows of column names; flatten them to one")
    index = frame.index
    if index.name is not None or not str(index.dtype).startswith(("int", "range")):
        frame = frame.reset_index()
    frame.columns = [str(name) for name in frame.columns]
    return pl.from_pandas(frame, nan_to_null=False)
