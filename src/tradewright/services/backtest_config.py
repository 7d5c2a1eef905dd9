"""Settings of a backtest: a study's ``backtest:`` section, or the `config` of `tw.backtest`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from typing import Any, Final

from tradewright.domain.actions import PERFORMANCE_RETURN, ActionRules
from tradewright.domain.errors import ConfigError, nearest
from tradewright.domain.rules import FillRules
from tradewright.domain.time import NS_PER_DAY, parse_date
from tradewright.domain.universe import Universe
from tradewright.risk.control.table import LimitTable
from tradewright.services.markets.contracts import contracts_of

PERIOD_TYPES: Final = ("ROLLING", "EXPANDING", "FIXED")
LIMITS: Final = ("max_position_size", "max_drawdown_limit", "stop_loss_threshold")
_LAYER: Final = ("risk_profile", "limits")
PATIENCE_S: Final = 300.0
_LEFT_OUT: Final = (
    ("universe", None),
    ("instruments", None),
    ("max_seconds_per_bar", PATIENCE_S),
    ("latency_ms", 0.0),
    ("settlement", "none"),
    ("dividend_withholding", 0.0),
    ("delisting_return", PERFORMANCE_RETURN),
)
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestConfig:
    """Everything about a backtest beside the strategy and the bars.

    Parameters
    ----------
    start_date, end_date : date or str, optional
        First and last day traded, both included, in UTC; the whole tape by default.
    symbols : sequence of str, optional
        Instruments of the tape to use; all by default.
    training_period_days, testing_period_days : int
        Sessions of the windows of a walk-forward; a plain backtest does not use them.
    period_type : str
        ``ROLLING``, ``EXPANDING`` or ``FIXED`` windows.
    overlap_days : int
        Sessions that two test windows share; at least 0, below `testing_period_days`.
    initial_balance : float
        Cash at the start, in the base currency.
    transaction_cost : float
        Fee per side as a fraction of the notional, used where no `costs` are given.
    slippage : float
        Slippage per side as a fraction of the notional, likewise.
    max_position_size : float or None
        Largest absolute weight of one instrument.
    max_drawdown_limit : float or None
        Fall from the high-water mark after which the run may only reduce positions.
    stop_loss_threshold : float or None
        Loss of one position against its average cost at which it is closed.
    risk_profile : str, optional
        ``conservative``, ``moderate`` or ``aggressive`` switches the standard limits of the risk
        layer on, by order, strategy, account and portfolio.
    limits : mapping of str to float, optional
        Single limits of the risk layer, laid over the profile's: ``{"account.daily_loss": 0.02}``;
        None switches a standard one off.
    rules : FillRules
        How orders fill.
    seed : int
        Seed of everything random.
    benchmark : str, optional
        Symbol of the tape to compare with; by default SPY where there is one.
    currency : str
        Base currency.
    instruments : mapping of str to mapping, optional
        Terms of contracts by symbol, laid over those of the bars: ``{"ES": {"multiplier": 50,
        "tick_size": 0.25, "lot_size": 1}}``; the fields of `tradewright.domain.Instrument`.
    universe : Universe or sequence of rows, optional
        Who is a member when (`tradewright.domain.universe`), for ``ctx.universe``; every
        instrument at all times by default.
    dividend_withholding : float
        Tax withheld from cash dividends of long positions, fraction; 0 to 1.
    delisting_return : float
        Return from the last close of a share delisted for performance, where the table of
        corporate actions names no price; -1 to 1.
    max_seconds_per_bar : float or None
        Time after which a strategy that does not come back from a bar fails the run; None waits
        for ever.

    Raises
    ------
    ConfigError
        Naming the key, the value found and the value wanted; an unknown key with the nearest.

    Notes
    -----
    None switches a limit off. The three limits have defaults for strategies that are run with a
    config; decisions made ahead as arrays are limited only by the limits that were written down,
    and without a config nothing is limited.

    Examples
    --------
    >>> BacktestConfig(max_position_size=0.1).max_drawdown_limit
    0.15
    """

    start_date: date | str | None = None
    end_date: date | str | None = None
    symbols: tuple[str, ...] | None = None
    training_period_days: int = 252
    testing_period_days: int = 63
    period_type: str = "ROLLING"
    overlap_days: int = 0
    initial_balance: float = 100_000.0
    transaction_cost: float = 0.001
    slippage: float = 0.0005
    max_position_size: float | None = 0.25
    max_drawdown_limit: float | None = 0.15
    stop_loss_threshold: float | None = 0.08
    risk_profile: str | None = None
    limits: Mapping[str, float | None] | None = None
    rules: FillRules = field(default_factory=FillRules)
    seed: int = 0
    benchmark: str | None = None
    currency: str = "USD"
    instruments: Mapping[str, Mapping[str, Any]] | None = None
    universe: Universe | Sequence[Any] | None = None
    max_seconds_per_bar: float | None = PATIENCE_S
    dividend_withholding: float = 0.0
    delisting_return: float = PERFORMANCE_RETURN
    given: frozenset[str] = field(default=frozenset(), init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("start_date", "end_date"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _date_of(name, value))
        if self.symbols is not None:
            object.__setattr__(self, "symbols", _symbols_of(self.symbols))
        if self.instruments is not None:
            object.__setattr__(self, "instruments", contracts_of(self.instruments) or None)
        if self.universe is not None and not isinstance(self.universe, Universe):
            object.__setattr__(self, "universe", _universe_of(self.universe))
        _check(self)

    @classmethod
    def neutral(cls) -> BacktestConfig:
        """Return the settings of a backtest that was given none: no limit is in force."""
        return cls(max_position_size=None, max_drawdown_limit=None, stop_loss_threshold=None)

    @classmethod
    def from_mapping(cls, section: Mapping[str, Any], path: str = "backtest") -> BacktestConfig:
        """Read a section of a study page.

        Parameters
        ----------
        section : mapping
            Names and values; ``rules`` is a mapping of its own.
        path : str
            Where the section stands, for messages.

        Returns
        -------
        BacktestConfig
            Checked.

        Raises
        ------
        ConfigError
            With the path of the key.
        """
        values = dict(section)
        try:
            if isinstance(values.get("rules"), Mapping):
                rules = dict(values["rules"])
                known = [f.name for f in fields(FillRules)]
                for key in rules:
                    if key not in known:
                        raise ConfigError(f"rules.{key} is not known; {nearest(str(key), known)}")
                values["rules"] = FillRules(**rules)
            return cls(**values)
        except ConfigError as error:
            raise ConfigError(f"{path}.{error}") from None

    def to_mapping(self) -> dict[str, Any]:
        """Return all settings as values that JSON can hold; `from_mapping` reads them."""
        out: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if (item.name, value) in _LEFT_OUT:
                continue  # what changes nothing has no part in a run's identity
            if isinstance(value, date):
                value = value.isoformat()
            elif isinstance(value, FillRules):
                rules = {f.name: getattr(value, f.name) for f in fields(value)}
                value = {name: v for name, v in rules.items() if (name, v) not in _LEFT_OUT}
            elif isinstance(value, tuple):
                value = list(value)
            elif isinstance(value, Universe):
                value = value.rows()
            if item.name == "limits" and value is not None:
                value = dict(value)
            if item.name != "given" and (item.name not in _LAYER or value is not None):
                out[item.name] = value
        return out

    def without_defaults_of_limits(self) -> BacktestConfig:
        """Return the settings with only those limits in force that were written down."""
        off = {name: None for name in LIMITS if name not in self.given}
        return self.changed(**off)

    def changed(self, **settings: Any) -> BacktestConfig:
        """Return a copy with some settings changed, which still knows what was written down."""
        made = replace(self, **settings)
        object.__setattr__(made, "given", self.given | frozenset(settings))
        return made

    def range_ns(self) -> tuple[int | None, int | None]:
        """Return the half-open range of close times of the days traded, UTC nanoseconds."""
        first, last = self.start_date, self.end_date
        start = None if first is None else (parse_date(first) - _EPOCH).days * NS_PER_DAY
        if last is None:
            return start, None
        return start, (parse_date(last) + timedelta(days=1) - _EPOCH).days * NS_PER_DAY


def _strict(build: Any) -> Any:
    # Unknown keys fail with the nearest name, and what was written down is remembered.
    known = [f.name for f in fields(BacktestConfig) if f.init]

    def init(self: BacktestConfig, **settings: Any) -> None:
        for key in settings:
            if key not in known:
                raise ConfigError(f"{key} is not known; {nearest(key, known)}")
        build(self, **settings)
        object.__setattr__(self, "given", frozenset(settings))

    init.__doc__ = build.__doc__
    return init


BacktestConfig.__init__ = _strict(BacktestConfig.__init__)  # type: ignore[method-assign]


def _check(config: BacktestConfig) -> None:
    for name, least in (("training_period_days", 1), ("testing_period_days", 1), ("seed", 0)):
        _whole(name, getattr(config, name), least)
    _whole("overlap_days", config.overlap_days, 0)
    if config.overlap_days >= config.testing_period_days:
        raise ConfigError(
            f"overlap_days is {config.overlap_days}, wanted below testing_period_days "
            f"({config.testing_period_days})"
        )
    if config.period_type not in PERIOD_TYPES:
        hint = nearest(str(config.period_type), PERIOD_TYPES)
        raise ConfigError(f"period_type is {config.period_type!r}; {hint}")
    _number("initial_balance", config.initial_balance, 0.0, float("inf"))
    for name in ("transaction_cost", "slippage"):
        value = getattr(config, name)
        if value != 0:
            _number(name, value, 0.0, 0.5)
    for name, most in zip(LIMITS, (3.0, 1.0, 1.0), strict=True):
        value = getattr(config, name)
        if value is not None:
            _number(name, value, 0.0, most)
    if config.max_seconds_per_bar is not None:
        _number("max_seconds_per_bar", config.max_seconds_per_bar, 0.0, 1e9)
    action_rules(config)
    if not isinstance(config.rules, FillRules):
        raise ConfigError(f"rules is {config.rules!r}, wanted FillRules")
    limit_table(config)
    first, last = config.range_ns()
    if first is not None and last is not None and first >= last:
        raise ConfigError(f"end_date is {config.end_date}, wanted {config.start_date} or later")


def action_rules(config: BacktestConfig) -> ActionRules:
    """Return what a configuration assumes about corporate actions."""
    for name in ("dividend_withholding", "delisting_return"):
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"{name} is {value!r}, wanted a number")
    return ActionRules(config.dividend_withholding, config.delisting_return)


def limit_table(config: BacktestConfig) -> LimitTable:
    """Return the limits of the risk layer that a configuration asks for; empty for none.

    Raises
    ------
    ConfigError
        If a limit or the profile is unknown or out of range.
    """
    if config.limits is not None and not isinstance(config.limits, Mapping):
        raise ConfigError(f"limits is {config.limits!r}, wanted a mapping of limit to value")
    return LimitTable.of(config.limits, profile=config.risk_profile)


def _whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name} is {value!r}, wanted a whole number >= {least}")


def _number(name: str, value: object, above: float, most: float) -> None:
    wrong = isinstance(value, bool) or not isinstance(value, int | float)
    if wrong or not above < value <= most or value == float("inf"):  # type: ignore[operator]
        limit = f" and at most {most:g}" if most != float("inf") else ""
        raise ConfigError(f"{name} is {value!r}, wanted a number above {above:g}{limit}")


def _date_of(name: str, value: object) -> date:
    if not isinstance(value, str | date):
        raise ConfigError(f"{name} is {value!r}, wanted a date such as 2015-01-31")
    try:
        return parse_date(value)
    except Exception as error:
        raise ConfigError(f"{name}: {error}") from None


def _universe_of(value: object) -> Universe:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise ConfigError(f"universe is {value!r}, wanted rows of symbol, valid_from, valid_to")
    return Universe.of(value)


def _symbols_of(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple) or not value:
        raise ConfigError(f"symbols is {value!r}, wanted a list with at least one symbol")
    return tuple(str(symbol) for symbol in value)
