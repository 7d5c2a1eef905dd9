"""What a strategy is, and what it may see and do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.orders import Fill, Order, OrderEvent

HOOKS = ("on_start", "on_bar", "on_fill", "on_order", "on_timer", "on_stop")


class Bar(Protocol):
    """The bar that just closed, of all instruments of the tape.

    On a tape of one instrument ``bar.close`` is its price; on any tape ``bar["AAPL"].close``
    is one instrument's and ``bar.closes`` are all of them in the order of ``bar.symbols``. The
    object is the same on every call and always shows the present row: keep values, not the bar.
    """

    symbols: tuple[str, ...]

    def __getitem__(self, symbol: str) -> Bar: ...

    @property
    def open(self) -> float:
        """First price of the bar."""
        ...

    @property
    def high(self) -> float:
        """Highest price."""
        ...

    @property
    def low(self) -> float:
        """Lowest price."""
        ...

    @property
    def close(self) -> float:
        """Last price; NaN where the instrument has no bar."""
        ...

    @property
    def volume(self) -> float:
        """Units traded."""
        ...

    @property
    def closes(self) -> NDArray[np.float64]:
        """Last price of every instrument, read-only."""
        ...


class Context(Protocol):
    """What a strategy sees and does; nothing in it is later than `now`.

    `symbol` may be left out everywhere on a tape of one instrument. Actions are taken together
    after the callback returns and reach the venue before the next bar; they fill at its open at
    the earliest. Quantities are in units of the instrument, prices in its currency.
    """

    symbols: tuple[str, ...]

    @property
    def now(self) -> datetime:
        """Close of the present bar, aware UTC."""
        ...

    @property
    def now_ns(self) -> int:
        """Close of the present bar, UTC nanoseconds."""
        ...

    @property
    def cash(self) -> float:
        """Cash in the base currency."""
        ...

    @property
    def equity(self) -> float:
        """Cash and positions, marked at the last close."""
        ...

    @property
    def open_orders(self) -> Sequence[Order]:
        """Orders that still work, oldest first."""
        ...

    @property
    def universe(self) -> tuple[str, ...]:
        """Members as of `now`, in the order of `symbols`; all of them without a dated universe."""
        ...

    def history(
        self,
        symbol: str | None,
        n: int,
        field: str = "close",
        interval: str | None = None,
        *,
        adjust: str = "splits",
    ) -> NDArray[np.float64]:
        """Return the last `n` values (fewer at the start), read-only, newest last.

        With a coarser `interval`, of its bars that have closed; the one that still forms is not
        shown. On prices as traded with corporate actions the past is restated as of now: for
        ``splits``, for dividends too with ``total_return``, as traded with ``none``.
        """
        ...

    def indicator(self, name: str, symbol: str | None = None, interval: str | None = None) -> float:
        """Return the present value of a feature such as ``rsi(14)``, on coarser bars if asked."""
        ...

    def feature(self, name: str, symbol: str | None = None, interval: str | None = None) -> float:
        """Return the present value of a feature; the same as `indicator`."""
        ...

    def closed(self, interval: str) -> bool:
        """Return whether a bar of a coarser interval became known with this bar."""
        ...

    def forecast(self, symbol: str | None = None) -> float:
        """Return the forecast known at `now`; NaN where there is none."""
        ...

    def position(self, symbol: str | None = None) -> float:
        """Return the signed quantity held."""
        ...

    def weights(self) -> NDArray[np.float64]:
        """Return the weights held now, in the order of `symbols`."""
        ...

    def target_weight(
        self,
        weight: float,
        symbol: str | None = None,
        *,
        stop: float | None = None,
        target: float | None = None,
    ) -> None:
        """Want a signed fraction of equity; `stop` and `target` protect what is added."""
        ...

    def target_quantity(self, qty: float, symbol: str | None = None) -> None:
        """Want a signed quantity."""
        ...

    def buy(self, qty: float, symbol: str | None = None, **how: Any) -> str | None:
        """Buy; return the order id.

        `how` is type, limit, stop, trail, trail_fraction, stop_loss, take_profit, tif, expires,
        oco (orders of one label cancel each other), after (id of the order whose fill makes this
        one live), reduce_only, tag.
        """
        ...

    def sell(self, qty: float, symbol: str | None = None, **how: Any) -> str | None:
        """Sell; see `buy`."""
        ...

    def bracket(
        self,
        qty: float,
        symbol: str | None = None,
        *,
        entry: float | None = None,
        stop: float | None = None,
        target: float | None = None,
    ) -> str | None:
        """Enter (negative `qty` is short) at a limit or the open, with stop and target."""
        ...

    def cancel(self, order_id: str) -> None:
        """Cancel a working order."""
        ...

    def log(self, message: str) -> None:
        """Keep a note in the run's log."""
        ...

    def set_timer(self, name: str, *, bars: int | None = None, at: datetime | None = None) -> None:
        """Call `on_timer(ctx, name)` once, after some bars or at the first bar from a time."""
        ...


class StagedContext(Context, Protocol):
    """A context of an account of one strategy, which can be brought to weights in stages."""

    def rebalance(
        self, weights: Mapping[str, float], *, largest: float = ..., cost_rate: float = ...
    ) -> None:
        """Bring the account to weights: what shrinks first, what grows when its cash is there.

        An order is at most `largest` of equity; `cost_rate` of a purchase is kept for its costs.
        A new rebalance takes the place of one under way.
        """
        ...

    @property
    def rebalancing(self) -> tuple[str, tuple[str, ...]]:
        """State of the last rebalance, and why it is so.

        ``working``, ``done``, ``partial``, ``cancelled``, or empty where there was none.
        """
        ...


class Strategy:
    """Base of event strategies: override what you need.

    Subclassing is optional; any object with `on_bar` (and any of the other methods) will do.

    Examples
    --------
    >>> class BuyDips(Strategy):
    ...     def on_bar(self, ctx, bar):
    ...         past = ctx.history(None, 20)
    ...         if len(past) == 20:
    ...             ctx.target_weight(1.0 if bar.close < 0.97 * past.mean() else 0.0)
    >>> BuyDips().name
    'BuyDips'
    """

    name: str = ""
    parameters: Mapping[str, Any] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__

    def on_start(self, ctx: Context) -> None:
        """Start; no bar is known yet, so only timers and notes make sense here."""

    def on_bar(self, ctx: Context, bar: Any) -> None:
        """Look at the bar that just closed and act."""

    def on_fill(self, ctx: Context, fill: Fill) -> None:
        """Learn of one of our executions; called before `on_bar` of its bar."""

    def on_order(self, ctx: Context, event: OrderEvent) -> None:
        """Learn of a change of an order's state."""

    def on_timer(self, ctx: Context, name: str) -> None:
        """Act on a timer set with `ctx.set_timer`."""

    def on_stop(self, ctx: Context) -> None:
        """End; actions taken here are not sent."""


def is_strategy(thing: object) -> bool:
    """Return whether an object can be run as a strategy: it has a callable `on_bar`."""
    return callable(getattr(thing, "on_bar", None)) and not isinstance(thing, type)
