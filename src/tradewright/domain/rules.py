"""How the simulated venue behaves: one settings value for batch, step and paper alike."""

from __future__ import annotations

from dataclasses import dataclass

from tradewright.domain.errors import ConfigError, nearest

INTRABAR = ("pessimistic", "optimistic", "ohlc", "finer")
LIMIT_TOUCH = ("touch", "through")
ON_INSUFFICIENT = ("cut", "reject")
MARGIN_CHECK = ("off", "close", "worst")
SETTLE = ("auto", "held")
SETTLEMENT = ("none", "cash")
SIZE_AT = ("decision_close", "fill_open")
MOST_LATENCY_MS = 86_400_000.0


@dataclass(frozen=True, slots=True)
class FillRules:
    """Rules of filling, sizing and margin.

    Parameters
    ----------
    intrabar : str
        Order of touches assumed inside a bar: ``pessimistic``, ``optimistic`` or ``ohlc``; or
        ``finer``, which looks at bars of a shorter interval where there are any and is pessimistic
        elsewhere.
    limit_touch : str
        Whether a limit fills when the price touches it (``touch``) or goes one tick ``through``.
    max_participation : float or None
        Largest share of a bar's volume our fills may take; None is off.
    size_at : str
        Whether weights become quantities at the ``decision_close`` or at the ``fill_open``.
    on_insufficient : str
        When cash does not suffice at the fill: ``cut`` to what fits, or ``reject``.
    allow_short : bool
        Whether positions may be negative.
    leverage : float
        Largest gross exposure over equity when exposure is added (one over the initial margin);
        1.0 is a cash account, at most 2.0 with stocks, funds and indices, 3.0 with anything.
    margin_check : str or None
        When equity is held against the maintenance margin: at every ``close`` (short of it,
        positions are liquidated at the next open), at the bar's ``worst`` prices (liquidated where
        equity meets it), or ``off``. None is ``worst`` for leveraged forex, contracts for
        difference, futures and crypto, ``close`` for the rest.
    maintenance_long, maintenance_short : float
        Equity wanted per value of long and of short positions; 0 to 1.
    max_stale_bars : int
        Bars without data after which a held position ends the run.
    close_at_end : bool
        Whether positions open at the last bar are closed at its close.
    latency_bars : int
        Bars that an order needs to reach the venue beyond the one every order waits for.
    latency_ms : float
        The same in milliseconds, for bars within a day: an order is active from the first bar that
        opens that long after the decision's close, or later. One of the two.
    settle : str
        How fills in another currency are paid: ``auto`` exchanges each at once, ``held`` takes it
        from cash held in that currency, which is the position in its pair (``EURUSD`` in a dollar
        account) and is bought and sold by orders.
    settlement : str
        When sales are paid: at once (``none``), or as in a ``cash`` account on the settlement date
        of the trade; until then their proceeds are part of equity and buy nothing. Wants leverage
        1 and no short sales.
    """

    intrabar: str = "pessimistic"
    limit_touch: str = "touch"
    max_participation: float | None = None
    size_at: str = "decision_close"
    on_insufficient: str = "cut"
    allow_short: bool = True
    leverage: float = 1.0
    max_stale_bars: int = 5
    close_at_end: bool = False
    latency_bars: int = 0
    latency_ms: float = 0.0
    settle: str = "auto"
    settlement: str = "none"
    margin_check: str | None = None
    maintenance_long: float = 0.25
    maintenance_short: float = 0.30

    def __post_init__(self) -> None:
        choices = {
            "intrabar": INTRABAR,
            "limit_touch": LIMIT_TOUCH,
            "on_insufficient": ON_INSUFFICIENT,
            "size_at": SIZE_AT,
            "settle": SETTLE,
            "settlement": SETTLEMENT,
        }
        for name, known in choices.items():
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(f"rules.{name} is {value!r}; {nearest(str(value), known)}")
        self._check_numbers()
        if self.max_participation is not None and not 0 < self.max_participation <= 1:
            raise ConfigError(f"rules.max_participation is {self.max_participation}, wanted (0, 1]")
        if not 0 < self.leverage <= 3:
            raise ConfigError(f"rules.leverage is {self.leverage}, wanted above 0 and at most 3")
        if self.max_stale_bars < 0:
            raise ConfigError(f"rules.max_stale_bars is {self.max_stale_bars}, wanted >= 0")
        if self.margin_check is not None and self.margin_check not in MARGIN_CHECK:
            hint = nearest(str(self.margin_check), MARGIN_CHECK)
            raise ConfigError(f"rules.margin_check is {self.margin_check!r}; {hint}")
        for name in ("maintenance_long", "maintenance_short"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"rules.{name} is {value}, wanted 0 to 1")
            if self.margin_check != "off" and value * self.leverage >= 1:
                raise ConfigError(
                    f"rules.{name} is {value} with leverage {self.leverage}: a position would be "
                    f"called when it is opened; wanted below {1 / self.leverage:g}"
                )
        self._check_latency()
        self._check_settlement()

    def _check_settlement(self) -> None:
        if self.settlement == "none":
            return
        wanted = {"leverage": 1.0, "allow_short": False, "settle": "auto"}
        for name, value in wanted.items():
            found = getattr(self, name)
            if found != value:
                raise ConfigError(
                    f"rules.settlement is 'cash' and rules.{name} {found!r}, wanted {value!r}: a "
                    "cash account neither borrows nor sells short, in one currency"
                )

    def _check_latency(self) -> None:
        latency = self.latency_bars
        if isinstance(latency, bool) or not isinstance(latency, int) or not 0 <= latency <= 1000:
            raise ConfigError(f"rules.latency_bars is {latency!r}, wanted a whole number 0 to 1000")
        if not 0 <= self.latency_ms <= MOST_LATENCY_MS:
            raise ConfigError(
                f"rules.latency_ms is {self.latency_ms}, wanted 0 to {MOST_LATENCY_MS:g} (a day)"
            )
        if latency and self.latency_ms:
            raise ConfigError(
                f"rules.latency_bars is {latency} and rules.latency_ms {self.latency_ms:g}: "
                "give one"
            )
        if (latency or self.latency_ms) and self.size_at == "fill_open":
            raise ConfigError(
                f"rules.{'latency_bars' if latency else 'latency_ms'} is "
                f"{latency or self.latency_ms:g} with size_at 'fill_open', wanted "
                "'decision_close': what is on its way has its quantity"
            )

    def _check_numbers(self) -> None:
        for name in ("max_participation", "leverage", "max_stale_bars",
                     "maintenance_long", "maintenance_short"):  # fmt: skip
            value = getattr(self, name)
            is_unset = value is None and name == "max_participation"
            if isinstance(value, bool) or not (is_unset or isinstance(value, int | float)):
                raise ConfigError(f"rules.{name} is {value!r}, wanted a number")
