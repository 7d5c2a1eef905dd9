"""The sections of a study page, as frozen models that know what they turn into."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, field_validator

from tradewright.costs import Costs
from tradewright.costs.funding import funding_by_symbol
from tradewright.domain.errors import ConfigError, TradewrightError
from tradewright.domain.rules import FillRules
from tradewright.domain.universe import Universe
from tradewright.portfolio import DecisionSettings
from tradewright.portfolio.sizing import create_sizer
from tradewright.risk.control.table import LimitTable
from tradewright.services.backtest import BacktestConfig
from tradewright.services.markets.contracts import contracts_of
from tradewright.services.markets.files import read_funding
from tradewright.services.study.decision_sections import RebalancingSection, SignalSection
from tradewright.services.study.section import Section
from tradewright.strategies.allocation import MethodSplit
from tradewright.training.labelling import LabelSettings
from tradewright.training.splits import WalkForward

REBALANCE: Final = {"daily": 1, "weekly": 5, "monthly": 21, "quarterly": 63}
Names = Annotated[tuple[str, ...], Field(strict=False)]
Fraction = Annotated[float, Field(gt=0, le=1)]


def _as_date(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


Day = Annotated[date, BeforeValidator(_as_date)]


def _as_rows(value: Any) -> Any:
    return value if value is None else tuple(tuple(row) for row in Universe.of(value).rows())


MemberRows = Annotated[
    tuple[tuple[str, str | None, str | None], ...] | None, BeforeValidator(_as_rows)
]


class UniverseSection(Section):
    """``universe``: what is traded.

    Parameters
    ----------
    symbols : tuple of str, optional
        Instruments by symbol.
    sample : str, optional
        ``stocks`` (28), ``funds`` (4) or ``all`` (32) of the embedded sample, instead of symbols.
    exclude : tuple of str
        Left out again.
    reference : tuple of str
        Loaded for comparison, never traded.
    members : tuple of (str, date, date), optional
        Who may be held when: symbol, first and last day of a membership, null is unbounded. One
        without a row is never held; everybody always is where this is left out.
    """

    symbols: Names | None = None
    sample: Literal["stocks", "funds", "all"] | None = None
    exclude: Names = ()
    reference: Names = ()
    members: MemberRows = None

    def dated(self) -> Universe | None:
        """Return the members by date; None where nobody comes or goes."""
        return None if self.members is None else Universe.of(self.members)


def _as_contracts(value: Any) -> Any:
    try:
        return value if value is None else contracts_of(value)
    except ConfigError as error:
        raise ValueError(str(error)) from None


ContractTerms = Annotated[dict[str, dict[str, Any]] | None, BeforeValidator(_as_contracts)]


class DataSection(Section):
    """``data``: where the bars come from.

    Parameters
    ----------
    source : str
        ``sample``, ``file``, ``store`` (whatever source is stored) or the name of a stored source.
    path : str, optional
        The file, for ``file``.
    start, end : date, optional
        Bars that close in ``[start, end)``.
    interval : str
        ``1m 5m 15m 1h 4h 1d 1wk 1mo``.
    adjust : str
        ``none``, ``splits``, ``total_return`` or ``source_adjusted``; ``any`` takes bars adjusted
        by their source as they are, and stored bars as traded as ``total_return``. ``none``
        trades prices as traded with the stored corporate actions; features and labels are made of
        their total return.
    min_coverage : float
        Smallest share of bars that must be there, for the data-health gate.
    fx_rates : str, optional
        File of rates of exchange: CSV or Parquet of ``pair``, ``time``, ``rate``, or bars of pairs.
    actions : str, optional
        File of corporate actions of prices as traded, in place of those stored or in the file.
    instruments : mapping, optional
        Terms of contracts by symbol, laid over those of the bars: ``ES: {multiplier: 50, tick_size:
        0.25, lot_size: 1}``.
    """

    source: str = "sample"
    path: str | None = None
    start: Day | None = None
    end: Day | None = None
    interval: Literal["1m", "5m", "15m", "1h", "4h", "1d", "1wk", "1mo"] = "1d"
    adjust: Literal["any", "none", "splits", "total_return", "source_adjusted"] = "any"
    min_coverage: Fraction = 0.98
    instruments: ContractTerms = None
    fx_rates: str | None = None
    actions: str | None = None


class LabelSection(Section):
    """``labels``: see `training.labelling.LabelSettings`."""

    kind: Literal["forward_return", "three_class", "triple_barrier"] = "forward_return"
    horizon: Annotated[int, Field(ge=1, le=5000)] = 5
    entry: Literal["next_open", "close"] = "next_open"
    threshold: Annotated[float, Field(gt=0)] = 0.5
    up: Annotated[float, Field(gt=0)] = 1.0
    down: Annotated[float, Field(gt=0)] = 1.0

    def settings(self) -> LabelSettings:
        """Return the labels' settings."""
        return LabelSettings(**self.model_dump())


class ModelSection(Section):
    """``model``: what is fitted in each window.

    Parameters
    ----------
    type : str
        See `forecasts.create_model`.
    params : mapping
        Its parameters.
    keep_features : int, optional
        Features kept in each window by their correlation with the training labels.
    allow_levels : bool
        Whether features that carry the price level, such as ``sma(20)``, may enter the model.
    """

    type: str = "ridge"
    params: dict[str, Any] = {}  # noqa: RUF012 (pydantic copies defaults)
    keep_features: Annotated[int, Field(ge=1)] | None = None
    allow_levels: bool = False


class DecisionSection(Section):
    """``decision``: forecasts to weights, see `portfolio.DecisionSettings`.

    Parameters
    ----------
    long_only : bool
        Whether short positions are left out.
    rebalance : str or int
        ``daily weekly monthly quarterly`` or the bars between decisions.
    method : str, optional
        Optimisation method that shares what the rule invests, such as ``minimum_variance``; the
        rule chooses the names and the method their weights. ``black_litterman`` takes the
        forecasts as its views. See docs/concepts/portfolio-optimisation.md.
    method_window : int
        Past returns behind the method's moments.
    signals : section, optional
        How rule ``signal`` decides each name; the defaults unless given.
    rebalancing : section, optional
        Trade towards the weights only when a trigger, the intervals and the costs allow it.
    """

    rule: Literal["top_k", "proportional", "signal"] = "top_k"
    top_k: Annotated[int, Field(ge=1)] = 5
    long_only: bool = True
    rebalance: Literal["daily", "weekly", "monthly", "quarterly"] | int = "daily"
    volatility_scaled: bool = False
    volatility_bars: Annotated[int, Field(ge=2)] = 20
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    cost_hurdle: Annotated[float, Field(ge=0, le=1)] = 0.0
    max_weight: Annotated[float, Field(gt=0, le=3)] = 0.25
    gross: Annotated[float, Field(gt=0, le=3)] = 1.0
    no_trade_band: Annotated[float, Field(ge=0, le=1)] = 0.0
    stop_loss: Annotated[float, Field(gt=0, lt=1)] | None = None
    take_profit: Annotated[float, Field(gt=0, lt=1)] | None = None
    method: str | None = None
    method_window: Annotated[int, Field(ge=20)] = 252
    signals: SignalSection | None = None
    rebalancing: RebalancingSection | None = None

    def settings(self) -> DecisionSettings:
        """Return the decision's settings, checked together with the method's."""
        if self.split() is not None and not self.long_only:
            raise ConfigError("decision.method shares long positions: it needs long_only: true")
        apart = {"long_only", "rebalance", "method", "method_window", "signals", "rebalancing"}
        given = self.model_dump(exclude=apart)
        if self.rule == "signal":
            told = self.signals or SignalSection()
            given["signals"] = told.settings(allow_short=not self.long_only)
            create_sizer(told.sizer, **told.sizer_params)
            if self.method is not None:
                raise ConfigError(
                    "decision.method shares what a rule chose; rule signal sizes alone"
                )
        elif self.signals is not None:
            raise ConfigError(
                f"decision.signals is given, but decision.rule is {self.rule}: wanted signal"
            )
        if self.rebalancing is not None:
            given["rebalancing"] = self.rebalancing.settings()
        every = self.rebalance
        bars = every if isinstance(every, int) else REBALANCE[every]
        direction = "long" if self.long_only else "long_short"
        return DecisionSettings(**given, direction=direction, rebalance_bars=bars)

    def split(self) -> MethodSplit | None:
        """Return how the chosen names share what is invested; None leaves it to the rule."""
        if self.method is None:
            return None
        return MethodSplit(
            method=self.method, window=self.method_window, max_weight=min(self.max_weight, 1.0)
        )


class RiskSection(Section):
    """``risk``: limits in force, null switches one off; see `services.backtest.BacktestConfig`."""

    max_position_size: Annotated[float, Field(gt=0, le=3)] | None = 0.25
    max_drawdown_limit: Fraction | None = 0.15
    stop_loss_threshold: Fraction | None = 0.08
    risk_profile: Literal["conservative", "moderate", "aggressive"] | None = None
    limits: dict[str, float | None] | None = None

    @field_validator("limits")
    @classmethod
    def _check_limits(cls, given: dict[str, float | None] | None) -> dict[str, float | None] | None:
        try:
            LimitTable.of(given)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return given


def _as_funding(value: Any) -> Any:
    # A page names a file; what is kept with the run are its rates.
    try:
        return read_funding(value) if isinstance(value, str) else funding_by_symbol(value)
    except TradewrightError as error:
        raise ValueError(str(error)) from None


FundingRates = Annotated[
    dict[str, tuple[tuple[int, float], ...]] | None, BeforeValidator(_as_funding)
]


class CostSection(Section):
    """``costs``: see `costs.Costs`; ``costs: none`` trades for free, ``standard`` is 10 + 5 bps."""

    fee_bps: Annotated[float, Field(ge=0)] = 0.0
    fee_per_share: Annotated[float, Field(ge=0)] = 0.0
    fee_per_order: Annotated[float, Field(ge=0)] = 0.0
    fee_min: Annotated[float, Field(ge=0)] = 0.0
    fee_max: Annotated[float, Field(ge=0)] | None = None
    sell_fee_bps: Annotated[float, Field(ge=0)] = 0.0
    spread_bps: Annotated[float, Field(ge=0)] = 0.0
    slippage_bps: Annotated[float, Field(ge=0)] = 0.0
    impact: Annotated[float, Field(ge=0)] | Literal["almgren2005"] | None = None
    borrow_rate: Annotated[float, Field(ge=0)] = 0.0
    debit_rate: Annotated[float, Field(ge=0)] = 0.0
    maker_fee_bps: Annotated[float, Field(ge=0)] | None = None
    fee_tiers: list[list[float]] | None = None
    spread_model: Literal["corwin_schultz"] | None = None
    slippage_vol: Annotated[float, Field(ge=0)] = 0.0
    impact_days: Annotated[float, Field(gt=0)] = 1.0
    model_scale: Annotated[float, Field(ge=0)] = 1.0
    shares_outstanding: dict[str, float] | None = None
    borrow_rates: dict[str, float] | None = None
    hard_to_borrow: list[str] | None = None
    credit_rate: Annotated[float, Field(ge=0)] = 0.0
    liquidation_fee_bps: Annotated[float, Field(ge=0)] = 0.0
    funding: FundingRates = None
    fx_spread_bps: Annotated[float, Field(ge=0)] = 0.0

    def costs(self) -> Costs:
        """Return the cost object."""
        return Costs(**self.model_dump())


class ValidationSection(Section):
    """``validation``: windows in sessions (bars), see `training.splits.WalkForward`.

    Parameters
    ----------
    controls : int
        Fits on shuffled labels, K.
    prior_trials : int
        Set-ups looked at on the same data that no stored run shows; counted like runs.
    """

    scheme: Literal["rolling", "expanding", "fixed"] = "rolling"
    training_days: Annotated[int, Field(ge=1)] = 252
    testing_days: Annotated[int, Field(ge=1)] = 63
    overlap_days: Annotated[int, Field(ge=0)] = 0
    embargo_days: Annotated[int, Field(ge=0)] = 0
    keep_tail: bool = False
    controls: Annotated[int, Field(ge=0, le=1000)] = 20
    prior_trials: Annotated[int, Field(ge=0, le=1_000_000)] = 0

    def windows(self) -> WalkForward:
        """Return how history is cut."""
        return WalkForward(
            scheme=self.scheme,
            training=self.training_days,
            testing=self.testing_days,
            overlap=self.overlap_days,
            embargo=self.embargo_days,
            keep_tail=self.keep_tail,
        )


class RulesSection(Section):
    """``rules``: how the simulated venue fills, see `domain.rules.FillRules`."""

    intrabar: Literal["pessimistic", "optimistic", "ohlc"] = "pessimistic"
    limit_touch: Literal["touch", "through"] = "touch"
    max_participation: Fraction | None = None
    size_at: Literal["decision_close", "fill_open"] = "decision_close"
    on_insufficient: Literal["cut", "reject"] = "cut"
    allow_short: bool = True
    leverage: Annotated[float, Field(gt=0, le=3)] = 1.0
    max_stale_bars: Annotated[int, Field(ge=0)] = 5
    close_at_end: bool = False
    latency_bars: Annotated[int, Field(ge=0, le=1000)] = 0
    latency_ms: Annotated[float, Field(ge=0, le=86_400_000)] = 0.0
    settle: Literal["auto", "held"] = "auto"
    settlement: Literal["none", "cash"] = "none"
    margin_check: Literal["off", "close", "worst"] | None = None
    maintenance_long: Annotated[float, Field(ge=0, le=1)] = 0.25
    maintenance_short: Annotated[float, Field(ge=0, le=1)] = 0.30

    def settings(self) -> FillRules:
        """Return the fill rules."""
        return FillRules(**self.model_dump())


def backtest_config(
    risk: RiskSection,
    rules: RulesSection,
    *,
    seed: int,
    currency: str,
    universe: Universe | None = None,
) -> BacktestConfig:
    """Return the backtest's settings of a page."""
    return BacktestConfig(
        **risk.model_dump(),
        rules=rules.settings(),
        seed=seed,
        currency=currency,
        universe=universe,
    )
