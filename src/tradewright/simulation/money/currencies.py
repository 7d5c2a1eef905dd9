"""Which pair holds the cash that an instrument is paid from."""

from __future__ import annotations

from tradewright.domain.bars import Bars
from tradewright.domain.currencies.rates import pair_of
from tradewright.domain.errors import ConfigError


def settling_pairs(bars: Bars, currency: str) -> list[int]:
    """Return for each instrument 1 + the column of the pair its cash is held in, 0 for its own.

    Parameters
    ----------
    bars : Bars
        The market.
    currency : str
        Of the account.

    Raises
    ------
    ConfigError
        If an instrument is priced in another currency and its pair is not among the bars.
    """
    columns = {pair_of(instrument): at for at, instrument in enumerate(bars.instruments)}
    found = []
    for instrument in bars.instruments:
        own = instrument.currency
        if own == currency:
            found.append(0)
        elif (own, currency) in columns:
            found.append(columns[own, currency] + 1)
        else:
            raise ConfigError(
                f"rules.settle is 'held' and {instrument.symbol} is priced in {own}: wanted the "
                f"pair {own}{currency} among the bars, in which {own} is held"
            )
    return found
