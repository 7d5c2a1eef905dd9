"""Lists of symbols in files."""

from __future__ import annotations

from pathlib import Path

from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.instruments import normalise_symbol


def read_symbols_file(path: str | Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read a file with one symbol a line.

    Parameters
    ----------
    path : path
        Lines that start with ``#`` and blank lines are left out; symbols are upper-cased.

    Returns
    -------
    (tuple of str, tuple of str)
        Symbols in order, and a warning for each repeated or invalid line.

    Raises
    ------
    ConfigError
        If the file cannot be read or names no valid symbol.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"symbols file {path}: cannot be read: {error}") from error
    symbols: dict[str, int] = {}
    warnings = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            symbol = normalise_symbol(text)
        except DataError as error:
            warnings.append(f"{path}, line {number}: {error}; skipped")
            continue
        if symbol in symbols:
            warnings.append(f"{path}, line {number}: {symbol} again, first on {symbols[symbol]}")
        symbols.setdefault(symbol, number)
    if not symbols:
        raise ConfigError(f"symbols file {path}: no valid symbol in {len(lines)} lines")
    return tuple(symbols), tuple(warnings)
