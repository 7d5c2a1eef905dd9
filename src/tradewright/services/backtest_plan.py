"""Check the arguments of a backtest and cut everything to the range that is traded."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.costs import Costs
from tradewright.domain.actions import ActionSchedule
from tradewright.domain.bars import Bars
from tradewright.domain.currencies.worth import worth_of
from tradewright.domain.decisions import Orders, Signals, TargetWeights
from tradewright.domain.errors import ConfigError
from tradewright.domain.money import to_minor
from tradewright.domain.rules import FillRules
from tradewright.domain.universe import Universe
from tradewright.engine import Sleeves
from tradewright.risk import RiskLimits
from tradewright.services.backtest_config import (
    LIMITS,
    BacktestConfig,
    action_rules,
    limit_table,
)
from tradewright.services.markets.contracts import contracts_in, lay_contracts
from tradewright.strategies import Context, Strategy, create_strategy, is_strategy

if TYPE_CHECKING:
    from tradewright.simulation.money.proceeds import Settling

DEFAULT_CASH: Final = 100_000.0
STANDARD: Final = Costs.standard()
"""Charged unless `costs` is given; the same object stands for "not given"."""


@dataclass(frozen=True, slots=True, eq=False)
class BacktestPlan:
    """A checked backtest, ready to run.

    Parameters
    ----------
    what : object
        Strategy, Signals, TargetWeights or Orders, cut to the bars.
    bars : Bars
        Instruments and rows that are traded.
    cash_minor : int
        Minor units at the start.
    costs : Costs or None
        None is no cost.
    config : BacktestConfig
        Rules, limits, seed.
    limits : RiskLimits
        Limits in force.
    name : str
        What is run, for people.
    parameters : mapping
        Parameters of a strategy.
    run_id : str
        Derived from everything else.
    finer : Bars or None
        Bars of a shorter interval, for ``rules.intrabar: finer``.
    """

    what: Any
    bars: Bars
    cash_minor: int
    costs: Costs | None
    config: BacktestConfig
    limits: RiskLimits
    name: str
    parameters: Mapping[str, Any]
    run_id: str
    finer: Bars | None = None


def plan_backtest(
    what: Any,
    bars: Bars,
    *,
    cash: float = DEFAULT_CASH,
    costs: Costs | None = STANDARD,
    config: BacktestConfig | Mapping[str, Any] | None = None,
    finer: Bars | None = None,
) -> BacktestPlan:
    """Check the arguments of a backtest and cut everything to the range that is traded.

    Parameters
    ----------
    what, bars, cash, costs, config, finer
        See `backtest`.

    Returns
    -------
    BacktestPlan
        Ready for `run_backtest`.

    Raises
    ------
    ConfigError
        If an argument is wrong.
    NoDataError
        If a symbol or the range of dates has no bar.
    """
    if not isinstance(bars, Bars):
        raise ConfigError(f"bars is {type(bars).__name__}, wanted Bars (see tw.read_bars)")
    if isinstance(config, Mapping):
        config = BacktestConfig.from_mapping(config, "config")
    settings = config if config is not None else BacktestConfig.neutral()
    if not isinstance(settings, BacktestConfig):
        raise ConfigError(f"config is {type(settings).__name__}, wanted BacktestConfig")
    if isinstance(what, str):
        what = create_strategy(what)
    is_array = isinstance(what, Signals | TargetWeights | Orders)
    if not is_array and not is_strategy(what):
        hint = "an instance, not the class" if isinstance(what, type) else "an object with on_bar"
        raise ConfigError(
            f"what is {type(what).__name__}, wanted Signals, TargetWeights, Orders, "
            f"the name of a strategy, or {hint}"
        )
    _check_finer(finer, settings)
    if is_array:
        settings = settings.without_defaults_of_limits()
    if bars.actions and isinstance(what, Sleeves):
        raise ConfigError(
            "sleeves cannot share corporate actions yet: run them on adjusted bars "
            "(tradewright.marketdata.adjust), or one strategy on prices as traded"
        )
    name, parameters = name_of(what)
    limits = RiskLimits(
        max_position=settings.max_position_size,
        max_drawdown=settings.max_drawdown_limit,
        stop_loss=settings.stop_loss_threshold,
    )
    what, traded = _cut(what, lay_contracts(bars, settings.instruments), settings)
    contracts = contracts_in(traded, settings.instruments)
    if contracts != settings.instruments:
        settings = settings.changed(instruments=contracts)
    universe = settings.universe
    if isinstance(universe, Universe) and not set(universe.symbols) & set(traded.symbols):
        raise ConfigError(
            f"config.universe names {', '.join(universe.symbols[:5])}, "
            f"none of which is among the bars ({', '.join(traded.symbols[:5])})"
        )
    has_layer = not limit_table(settings).is_empty
    if is_array and (limits.limits_weights or limits.needs_equity or has_layer):
        what = _limited_arrays(what, settings)
    worth_of(traded, settings.currency)  # a currency without a rate is named before anything runs
    cash_minor = _cash_of(cash, settings)
    charged = _costs_of(costs, settings)
    plan = BacktestPlan(
        what, traded, cash_minor, charged, settings, limits, name, parameters, "", finer
    )
    text = json.dumps(resolved_config(plan), sort_keys=True, default=str)
    digest = hashlib.sha256(f"{text}|{traded.data_version}|{traded.ts[0]}".encode()).hexdigest()
    return replace(plan, run_id=digest[:16])


def schedule_of(plan: BacktestPlan) -> ActionSchedule | None:
    """Return the corporate actions on the rows that are traded; None where there are none.

    Raises
    ------
    DataError
        If the shares that an action gives have no price.
    """
    if not plan.bars.actions:
        return None
    from tradewright.marketdata import schedule_actions

    return schedule_actions(plan.bars, action_rules(plan.config))


def settling_of(rules: FillRules) -> Settling | None:
    """Return what says when sales settle; None where they are paid at once."""
    if rules.settlement == "none":
        return None
    from tradewright.services.settlement import settled_rows

    return settled_rows


def _check_finer(finer: Any, settings: BacktestConfig) -> None:
    intrabar = settings.rules.intrabar
    if finer is not None and not isinstance(finer, Bars):
        raise ConfigError(f"finer is {type(finer).__name__}, wanted Bars (see tw.read_bars)")
    if finer is not None and intrabar != "finer":
        raise ConfigError(f"finer bars are given, but rules.intrabar is {intrabar!r}")
    if finer is None and intrabar == "finer":
        raise ConfigError(
            "rules.intrabar is 'finer' and no finer bars are given, for example "
            "tw.backtest(..., finer=bars_of_a_minute)"
        )


def resolved_config(plan: BacktestPlan) -> dict[str, Any]:
    """Return everything a run depends on beside its bars, as values that JSON can hold."""
    finer = {}
    if plan.finer is not None:
        finer = {
            "finer": {"interval": plan.finer.interval, "data_version": plan.finer.data_version}
        }
    return finer | {
        "strategy": {"name": plan.name, "parameters": dict(plan.parameters)},
        "cash_minor": plan.cash_minor,
        "costs": None if plan.costs is None else _plain_costs(plan.costs),
        "backtest": plan.config.to_mapping(),
    }


_LATER: Final = ("funding", "fx_spread_bps")


def _plain_costs(costs: Costs) -> dict[str, Any]:
    # Without what was added later and is off: runs keep their identity.
    found = asdict(costs)
    return {name: value for name, value in found.items() if name not in _LATER or value}


def name_of(what: Any) -> tuple[str, dict[str, Any]]:
    """Return the name and the parameters of what is run."""
    if isinstance(what, Signals | TargetWeights | Orders):
        return {Signals: "signals", TargetWeights: "target_weights", Orders: "orders"}[
            type(what)
        ], {"content": _content_hash(what)}
    name = str(getattr(what, "name", "") or type(what).__name__)
    return name, dict(getattr(what, "parameters", {}) or {})


class WeightsStrategy(Strategy):
    """Weights decided ahead, bar by bar, so that limits on profit and loss can act on them."""

    name = "target_weights"

    def __init__(self, targets: TargetWeights) -> None:
        self._weights = targets.weights

    def on_bar(self, ctx: Context, bar: Any) -> None:
        """Want the weights of this row."""
        for symbol, weight in zip(ctx.symbols, self._weights[bar.row].tolist(), strict=True):
            if not math.isnan(weight):
                ctx.target_weight(weight, symbol)


def _cut(what: Any, bars: Bars, config: BacktestConfig) -> tuple[Any, Bars]:
    # Instruments, then dates; arrays are cut to the same rows.
    is_array = isinstance(what, Signals | TargetWeights)
    if is_array:
        shape = (what.entries if isinstance(what, Signals) else what.weights).shape
        if shape != bars.close.shape:
            raise ConfigError(
                f"{type(what).__name__}: shape {shape}, wanted {bars.close.shape} as the bars"
            )
    if config.symbols is not None and tuple(config.symbols) != bars.symbols:
        if isinstance(what, Signals | TargetWeights | Orders):
            raise ConfigError(
                "config.symbols cannot choose columns of decisions made ahead: "
                "use bars.select and arrays of the same columns"
            )
        bars = bars.select(config.symbols)
    start, end = config.range_ns()
    if start is None and end is None:
        return what, bars
    if isinstance(what, Orders):
        raise ConfigError("config.start_date and end_date cannot cut a table of orders: cut both")
    cut = bars.between(start, end)
    first = int(np.searchsorted(bars.ts, cut.ts[0]))
    return (rows_of(what, first, first + cut.n_bars) if is_array else what), cut


def rows_of(what: Any, first: int, last: int) -> Any:
    """Return the rows of signals or weights decided ahead, half-open."""
    if isinstance(what, TargetWeights):
        return TargetWeights(what.weights[first:last])
    optional = {
        name: None if (flags := getattr(what, name)) is None else flags[first:last]
        for name in ("short_entries", "short_exits")
    }
    size = what.size if isinstance(what.size, float) else what.size[first:last]
    distances = {name: getattr(what, name) for name in ("stop", "target", "trail")}
    return Signals(
        what.entries[first:last], what.exits[first:last], size=size, **optional, **distances
    )


def _limited_arrays(what: Any, config: BacktestConfig) -> Any:
    if isinstance(what, TargetWeights):
        return WeightsStrategy(what)
    known = (*LIMITS, "limits", "risk_profile")
    named = [name for name in known if getattr(config, name) is not None]
    raise ConfigError(
        f"config.{named[0]} cannot act on {type(what).__name__} decided ahead: "
        "set it to None, or write a Strategy or TargetWeights"
    )


def _cash_of(cash: float, config: BacktestConfig) -> int:
    if isinstance(cash, bool) or not isinstance(cash, int | float) or not 0 < cash < math.inf:
        raise ConfigError(f"cash is {cash!r}, wanted an amount above 0")
    if "initial_balance" in config.given:
        if cash not in (DEFAULT_CASH, config.initial_balance):
            raise ConfigError(
                f"cash is {cash} and config.initial_balance {config.initial_balance}: give one"
            )
        cash = config.initial_balance
    minor = to_minor(cash, config.currency)
    if minor <= 0:
        raise ConfigError(f"cash is {cash!r}, below one minor unit of {config.currency}")
    return minor


def _costs_of(costs: Costs | None, config: BacktestConfig) -> Costs | None:
    if costs is not STANDARD:
        if costs is not None and not isinstance(costs, Costs):
            raise ConfigError(f"costs is {costs!r}, wanted Costs or None")
        return costs
    return replace(
        STANDARD, fee_bps=config.transaction_cost * 1e4, slippage_bps=config.slippage * 1e4
    )


def _content_hash(what: Any) -> str:
    digest = hashlib.sha256()
    for name in type(what).__slots__:
        value = getattr(what, name, None)
        digest.update(name.encode())
        if isinstance(value, np.ndarray):
            digest.update(f"{value.shape}".encode())
            if value.dtype != np.bool_:  # weights are mostly NaN: where they are, then the others
                known = ~np.isnan(value)
                digest.update(value[known].tobytes())
                value = known
            digest.update(np.packbits(value, axis=None).tobytes())
        else:
            digest.update(repr(value).encode())
    return digest.hexdigest()[:16]
