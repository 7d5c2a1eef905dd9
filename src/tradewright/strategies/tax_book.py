"""Tax lots of one account, kept from its own fills."""

from __future__ import annotations

from tradewright.domain.money import QTY_UNIT, minor_exponent
from tradewright.domain.orders import Fill, Side
from tradewright.domain.time import from_ns
from tradewright.portfolio.rebalancing import Lot, PastTrade, TaxRates, TaxSituation, dispose


class TaxBook:
    """Lots held and what was traded, for plans that think of taxes; long positions only.

    Parameters
    ----------
    rates : TaxRates
        On realised gains.
    method : str
        See `portfolio.rebalancing.dispose`.
    account : str
        Name of the account.
    currency : str
        Of its fills.
    """

    def __init__(
        self,
        rates: TaxRates,
        *,
        method: str = "fifo",
        account: str = "paper",
        currency: str = "USD",
    ) -> None:
        self.rates, self.method, self.account = rates, method, account
        self._scale = float(10 ** minor_exponent(currency))
        self.lots: list[Lot] = []
        self.history: list[PastTrade] = []
        self._bought = 0

    def fill(self, fill: Fill) -> None:
        """Take one of our executions: a purchase is a new lot, a sale takes what the method says.

        A sale of more than the lots hold, a short one, leaves no lot.
        """
        day, qty = from_ns(fill.ts_event).date(), fill.qty / QTY_UNIT
        own = [lot for lot in self.lots if lot.symbol == fill.symbol]
        others = [lot for lot in self.lots if lot.symbol != fill.symbol]
        costs = fill.cost_minor / self._scale
        paid = fill.notional_minor / self._scale
        if fill.side is Side.BUY:
            if paid + costs > 0:
                self._bought += 1
                name, price = f"{fill.symbol}-{self._bought}", (paid + costs) / qty
                own.append(Lot(name, fill.symbol, qty, price, day, self.account))
            self.history.append(PastTrade(fill.symbol, day, self.account))
        else:
            sold = min(qty, sum(lot.qty for lot in own))
            if sold > 0:
                net = (paid - costs) / qty
                taken, left = dispose(own, sold, net, day, method=self.method)
                own = list(left)
                gain = sum(t.gain for t in taken)
                self.history.append(PastTrade(fill.symbol, day, self.account, gain))
        self.lots = others + own

    def situation(self, now_ns: int) -> TaxSituation:
        """Return what a plan of this moment must know."""
        return TaxSituation(
            lots=tuple(self.lots),
            on=from_ns(now_ns).date(),
            method=self.method,
            rates=self.rates,
            history=tuple(self.history),
        )
