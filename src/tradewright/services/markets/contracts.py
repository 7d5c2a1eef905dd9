"""Terms of contracts that a configuration states, laid over those of the bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError, nearest
from tradewright.domain.instruments import AssetClass, Instrument

TERMS: Final = tuple(field.name for field in fields(Instrument) if field.name != "symbol")
_TEXTS: Final = ("asset_class", "currency", "calendar", "sector")
Contracts = Mapping[str, Mapping[str, Any]]


def contracts_of(given: object) -> Contracts:
    """Return terms by symbol, checked; see `BacktestConfig.instruments`.

    Raises
    ------
    ConfigError
        Naming symbol and term, the value found and the value wanted.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"instruments is {given!r}, wanted terms by symbol")
    found: dict[str, dict[str, Any]] = {}
    for symbol, terms in given.items():
        if not isinstance(terms, Mapping):
            raise ConfigError(f"instruments.{symbol} is {terms!r}, wanted a mapping of terms")
        for name, value in terms.items():
            _check_term(f"instruments.{symbol}.{name}", str(name), value)
        found[str(symbol)] = {str(name): value for name, value in terms.items()}
        try:
            _with_terms(Instrument(str(symbol)), found[str(symbol)])
        except DataError as error:
            raise ConfigError(f"instruments.{symbol}: {error}") from None
    return found


def _check_term(path: str, name: str, value: object) -> None:
    if name not in TERMS:
        raise ConfigError(f"{path} is not known; {nearest(name, TERMS)}")
    if name in _TEXTS:
        if not isinstance(value, str):
            raise ConfigError(f"{path} is {value!r}, wanted text")
        kinds = [kind.value for kind in AssetClass]
        if name == "asset_class" and value not in kinds:
            raise ConfigError(f"{path} is {value!r}; {nearest(value, kinds)}")
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{path} is {value!r}, wanted a number")


def _with_terms(instrument: Instrument, terms: Mapping[str, Any]) -> Instrument:
    plain = dict(terms)
    if "asset_class" in plain:
        plain["asset_class"] = AssetClass(plain["asset_class"])
    return replace(instrument, **plain)


def lay_contracts(bars: Bars, contracts: Contracts | None) -> Bars:
    """Return bars whose instruments have the terms that are stated for them.

    Raises
    ------
    ConfigError
        If a symbol is not among the bars.
    """
    if not contracts:
        return bars
    for symbol in contracts:
        if symbol not in bars.symbols:
            raise ConfigError(
                f"instruments names {symbol!r}, which is not among the bars; "
                f"{nearest(symbol, bars.symbols)}"
            )
    laid = tuple(_with_terms(i, contracts.get(i.symbol, {})) for i in bars.instruments)
    return replace(bars, instruments=laid)


def contracts_in(bars: Bars, stated: Contracts | None) -> Contracts | None:
    """Return what is stated, and the multipliers that the bars bring: a run depends on both."""
    found = {
        i.symbol: {**(stated or {}).get(i.symbol, {}), "multiplier": i.multiplier}
        for i in bars.instruments
        if i.multiplier != 1.0
    }
    return {**(stated or {}), **found} or None
