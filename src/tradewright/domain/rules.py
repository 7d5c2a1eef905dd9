"""How the simulated venue behaves: one settings value for batch, step and paper alike."""

from __future__ import annotations

from dataclasses import dataclass

from tradewright.domain.errors import ConfigError, nearest

INTRABAR = ("pessimistic", "optimistic", "ohlc")
LIMIT_TOUCH = ("touch", "through")
ON_INSUFFICIENT = ("cut", "reject")
SIZE_AT = ("decision_close", "fill_open")


@dataclass(frozen=True, slots=True)
class FillRules:
    """Rules of filling, sizing and margin.

    Parameters
    ----------
    intrabar : str
        Order of touches assumed inside a bar: ``pessimistic``, ``optimistic`` or ``ohlc``.
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
        Largest gross exposure over equity; 1.0 is a cash account.
    max_stale_bars : int
        Bars without data after which a held position ends the run.
    close_at_end : bool
        Whether positions open at the last bar are closed at its close.
    latency_bars : int
        Bars that an order needs to reach the venue beyond the one every order waits for.
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

    def __post_init__(self) -> None:
        choices = {
            "intrabar": INTRABAR,
            "limit_touch": LIMIT_TOUCH,
            "on_insufficient": ON_INSUFFICIENT,
            "size_at": SIZE_AT,
        }
        for name, known in choices.items():
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(f"rules.{name} is {value!r}; {nearest(str(value), known)}")
        if self.max_participation is not None and not 0 < self.max_participation <= 1:
            raise ConfigError(f"rules.max_participation is {self.max_participation}, wanted (0, 1]")
        if not 0 < self.leverage <= 3:
            raise ConfigError(f"rules.leverage is {self.leverage}, wanted above 0 and at most 3")
        if self.max_stale_bars < 0:
            raise ConfigError(f"rules.max_stale_bars is {self.max_stale_bars}, wanted >= 0")
        latency = self.latency_bars
        if isinstance(latency, bool) or not isinstance(latency, int) or not 0 <= latency <= 1000:
            raise ConfigError(f"rules.latency_bars is {latency!r}, wanted a whole number 0 to 1000")
        if latency and self.size_at == "fill_open":
            raise ConfigError(
                f"rules.latency_bars is {latency} with size_at 'fill_open', wanted "
                "'decision_close': what is on its way has its quantity"
            )
