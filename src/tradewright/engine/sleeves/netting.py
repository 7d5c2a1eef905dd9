"""What each sleeve still wants of each instrument, and the one order that serves them all."""

from __future__ import annotations

from dataclasses import dataclass

from tradewright.engine.sleeves.sharing import share_quantity


@dataclass(frozen=True, slots=True)
class NetOrder:
    """What is to be sent for an instrument.

    Parameters
    ----------
    symbol : str
        Instrument.
    replaces : str
        Id of the order that it takes the place of; empty for none.
    qty : int
        Signed net quantity in units of 1e-8; 0 only withdraws.
    """

    symbol: str
    replaces: str
    qty: int


class Netting:
    """Wishes of the sleeves by instrument.

    Parameters
    ----------
    n : int
        Sleeves.
    crosses : bool
        Whether opposite wishes are exchanged inside before the rest is sent. Without it they stay
        part of the net order, whose fills serve both sides; they are exchanged inside only where
        the net is zero and nothing can be sent.
    """

    def __init__(self, n: int, *, crosses: bool) -> None:
        self._n, self._crosses = n, crosses
        self.wishes: dict[str, list[int]] = {}
        self.working: dict[str, str] = {}
        self.crossing: dict[str, list[int]] = {}
        self._symbols: dict[str, str] = {}
        self._touched: set[str] = set()

    def want(self, sleeve: int, symbol: str, change: int) -> None:
        """Set what a sleeve still wants of an instrument; it replaces what it wanted before."""
        wishes = self.wishes.setdefault(symbol, [0] * self._n)
        for at, part in enumerate(self.crossing.pop(symbol, ())):
            wishes[at] += part
        if change or wishes[sleeve]:
            wishes[sleeve] = change
            self._touched.add(symbol)

    def plan(self, symbols: tuple[str, ...], lots: dict[str, int]) -> list[NetOrder]:
        """Return what has to be sent since the last call, by column.

        Parameters
        ----------
        symbols : tuple of str
            Instruments in order.
        lots : dict of str to int
            Lot of each, in units of 1e-8.
        """
        planned = []
        for symbol in symbols:
            if symbol not in self._touched:
                continue
            wishes = self.wishes[symbol]
            buys, sells = sum(w for w in wishes if w > 0), -sum(w for w in wishes if w < 0)
            crossed = min(buys, sells)
            if crossed and (self._crosses or buys == sells):
                up = share_quantity([max(w, 0) for w in wishes], crossed, lots[symbol])
                down = share_quantity([min(w, 0) for w in wishes], -crossed, lots[symbol])
                parts = [a + b for a, b in zip(up, down, strict=True)]
                self.crossing[symbol] = parts
                self.wishes[symbol] = [w - p for w, p in zip(wishes, parts, strict=True)]
            replaces = self.working.pop(symbol, "")
            if replaces or buys != sells:
                planned.append(NetOrder(symbol, replaces, buys - sells))
        self._touched.clear()
        return planned

    def sent(self, symbol: str, order_id: str) -> None:
        """Keep the order that serves an instrument's wishes."""
        self.working[symbol] = order_id
        self._symbols[order_id] = symbol

    def serves(self, order_id: str) -> str:
        """Return the instrument that an order serves or served; empty where it is none of ours."""
        return self._symbols.get(order_id, "")

    def serve(self, symbol: str, filled: int, lot: int) -> list[int]:
        """Share a signed fill; what is shared is wanted no more."""
        wishes = self.wishes[symbol]
        parts = share_quantity(wishes, filled, lot)
        self.wishes[symbol] = [w - p for w, p in zip(wishes, parts, strict=True)]
        return parts

    def end(self, order_id: str) -> list[int]:
        """Forget the wishes of an order that ended; return the sleeves that still wanted it."""
        symbol = self._symbols[order_id]
        if self.working.get(symbol) != order_id:  # replaced by a later one
            return []
        del self.working[symbol]
        left = [at for at, wish in enumerate(self.wishes[symbol]) if wish]
        self.forget(symbol)
        return left

    def forget(self, symbol: str) -> None:
        """Let nobody want anything of an instrument."""
        self.wishes[symbol] = [0] * self._n
