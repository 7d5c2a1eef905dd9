"""The strategy that trades a study: forecasts through the decision rule."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.domain.signals import Signal
from tradewright.portfolio import DecisionSettings, decide
from tradewright.portfolio.sizing import next_weight
from tradewright.strategies.allocation import MethodSplit
from tradewright.strategies.protocol import Context, Strategy
from tradewright.strategies.rebalance_gate import RebalanceGate, next_review
from tradewright.strategies.row_signals import row_signals
from tradewright.strategies.signal_desk import DecisionScene, SignalDesk, capped

FloatArray = NDArray[np.float64]


@dataclass(slots=True)
class _Wanted:
    # A weight that is wanted, with its protection, until it is reached.
    weight: float
    stop: float | None = None
    target: float | None = None


class ForecastStrategy(Strategy):
    """Turn each row of a forecast panel into target weights.

    Parameters
    ----------
    forecasts : ForecastPanel
        Out-of-sample forecasts; its symbols must be on the tape.
    decision : DecisionSettings, optional
        How forecasts become weights.
    scene : DecisionScene, optional
        Costs, sectors, limits and mode, for the rule ``signal`` and for rebalancing.
    journal : list of Signal, optional
        Every decision is appended, so that it can be explained later.
    split : MethodSplit, optional
        Shares what a rule of rows invests by an optimisation method, from the closes up to now.

    Notes
    -----
    Timing: a row is used at the bar that closes at its `ts_known`; one that becomes known between
    two bars is used at the later one; an older row is never used again.
    Missing data: a bar without a row of forecasts changes nothing; see `portfolio.decide` for
    missing names. With a dated universe forecasts of those who are no members at the decision are
    left out, and what is held of them is sold.
    """

    name = "forecast"

    def __init__(
        self,
        forecasts: ForecastPanel,
        decision: DecisionSettings | None = None,
        *,
        scene: DecisionScene | None = None,
        journal: list[Signal] | None = None,
        split: MethodSplit | None = None,
    ) -> None:
        if split is not None and (decision or DecisionSettings()).direction != "long":
            raise ConfigError("decision.method shares long positions: it needs long_only: true")
        self.split = split
        self.scene = scene or DecisionScene()
        self.forecasts = forecasts
        self.decision = capped(decision or DecisionSettings(), self.scene.account, self.scene.mode)
        self.parameters = {"model": forecasts.model, "horizon_bars": forecasts.horizon_bars}
        self.journal = journal
        self._desk: SignalDesk | None = None
        if self.decision.rule == "signal":
            self._desk = SignalDesk(
                forecasts, self.decision, self.scene, all_figures=journal is not None
            )
        self._gate: RebalanceGate | None = None
        self._next = 0
        self._since = 0
        self._columns: list[int] = []
        self._pending: dict[str, _Wanted] = {}

    def on_start(self, ctx: Context) -> None:
        """Find the panel's instruments on the tape."""
        missing = [s for s in self.forecasts.symbols if s not in ctx.symbols]
        if missing:
            raise ConfigError(f"forecasts of {', '.join(missing)}, which the bars do not hold")
        self._columns = [ctx.symbols.index(s) for s in self.forecasts.symbols]
        self._next, self._since = 0, 0
        self._pending = {}
        if self._desk is not None:
            self._desk.start(self._columns)
        if self.decision.rebalancing is not None:
            self._gate = RebalanceGate(
                self.decision.rebalancing, self.scene, horizon_bars=self.forecasts.horizon_bars
            )

    def on_bar(self, ctx: Context, bar: Any) -> None:
        """Decide on the newest row of forecasts, if one became known since the last bar."""
        if self._desk is not None:
            self._desk.watch(bar)
        if not self._decided(ctx) and self._pending:
            self._step(ctx)

    def _decided(self, ctx: Context) -> bool:
        stamps = self.forecasts.ts_known
        first = self._next
        while self._next < len(stamps) and stamps[self._next] <= ctx.now_ns:
            self._next += 1
        if self._next == first:
            return False
        row = self._next - 1
        if not np.isfinite(self.forecasts.mean[row]).any():
            return False
        due = self._since % self.decision.rebalance_bars == 0
        self._since += 1
        if due:
            self._trade(ctx, row)
        return due

    def _trade(self, ctx: Context, row: int) -> None:
        known = len(self.journal or ())
        wanted = self._by_row(ctx, row) if self._desk is None else self._by_signal(ctx, row)
        left: dict[str, _Wanted] = {}
        for symbol in self.forecasts.symbols:
            if symbol not in ctx.universe:  # it has left, or is not there yet
                wanted.pop(symbol, None)
                if ctx.position(symbol):
                    left[symbol] = _Wanted(0.0, None, None)
        if self._gate is not None:
            wanted, told = self._gated(ctx, row, wanted)
            self._tell(known, told)
        wanted |= left  # leaving waits for no trigger
        if self._desk is not None and math.isfinite(
            self.scene.account.order_limit(self.scene.mode)
        ):
            self._pending.update(wanted)
            self._step(ctx)
            return
        for symbol, want in wanted.items():
            ctx.target_weight(want.weight, symbol, stop=want.stop, target=want.target)

    def _tell(self, first: int, told: str) -> None:
        # What became of the decisions of this bar stands with their reasons.
        for at, signal in enumerate((self.journal or [])[first:], first):
            assert self.journal is not None
            self.journal[at] = replace(signal, reasons=(*signal.reasons, told))

    def _by_signal(self, ctx: Context, row: int) -> dict[str, _Wanted]:
        assert self._desk is not None
        signals = self._desk.signals(ctx, row)
        if self.journal is not None:
            self.journal.extend(signals)
        for signal in signals:
            self._pending.pop(signal.symbol, None)
        return {
            signal.symbol: _Wanted(signal.weight, signal.stop_loss, signal.target_price)
            for signal in signals
            if signal.weight is not None
        }

    def _by_row(self, ctx: Context, row: int) -> dict[str, _Wanted]:
        panel, settings = self.forecasts, self.decision
        held = ctx.weights()[self._columns]
        is_member = np.array([symbol in ctx.universe for symbol in panel.symbols])
        weights = decide(
            np.where(is_member, panel.mean[row], np.nan),
            # A split looks at the band itself: it is about what is traded in the end.
            settings if self.split is None else replace(settings, no_trade_band=0.0),
            sd=None if panel.sd is None else panel.sd[row],
            probability_up=None if panel.probability_up is None else panel.probability_up[row],
            volatility=self._volatility(ctx) if settings.volatility_scaled else None,
            held=held,
        )
        if self.split is not None:
            band = settings.no_trade_band
            weights = self.split.of_row(ctx, panel, row, weights, held=held, band=band)
        wanted: dict[str, _Wanted] = {}
        for symbol, weight in zip(panel.symbols, weights.tolist(), strict=True):
            if np.isnan(weight):
                continue
            stop = target = None
            if weight and (settings.stop_loss or settings.take_profit):
                close = float(ctx.history(symbol, 1)[-1])
                side = 1.0 if weight > 0 else -1.0
                if settings.stop_loss:
                    stop = close * (1.0 - side * settings.stop_loss)
                if settings.take_profit:
                    target = close * (1.0 + side * settings.take_profit)
            wanted[symbol] = _Wanted(weight, stop, target)
        if self.journal is not None:
            closes = [float(ctx.history(symbol, 1)[-1]) for symbol in panel.symbols]
            self.journal.extend(
                row_signals(
                    panel, row, settings,
                    weights=weights, held=held, closes=closes, now_ns=ctx.now_ns,
                    mode=self.scene.mode,
                )
            )  # fmt: skip
        return wanted

    def _gated(
        self, ctx: Context, row: int, wanted: dict[str, _Wanted]
    ) -> tuple[dict[str, _Wanted], str]:
        # What is not spoken of keeps its weight; a partial rebalance ends at the edge of the band.
        assert self._gate is not None
        symbols = self.forecasts.symbols
        targets = ctx.weights()[self._columns].copy()
        for column, symbol in enumerate(symbols):
            if symbol in wanted:
                targets[column] = wanted[symbol].weight
        review = self._gate.review(ctx, symbols, targets, self.forecasts.mean[row])
        if review.action != "trade" or review.plan is None:
            if review.action in ("defer", "forgo"):
                ctx.log(next_review(review, ctx.now_ns))
            return {}, f"rebalancing: not traded ({review.action}): {review.reason}"
        told = f"rebalanced: {review.reason}; costs {review.plan.cost_fraction:.3%} of equity"
        ctx.log(told)
        after = dict(zip(review.plan.symbols, review.plan.weights_after.tolist(), strict=True))
        traded = {
            symbol: _Wanted(after[symbol], want.stop, want.target)
            for symbol, want in wanted.items()
        }
        return traded, told

    def _step(self, ctx: Context) -> None:
        # A large target is reached in several orders, one a bar.
        largest = self.scene.account.order_limit(self.scene.mode)
        weights = dict(zip(ctx.symbols, ctx.weights().tolist(), strict=True))
        for symbol, want in list(self._pending.items()):
            now = next_weight(weights[symbol], want.weight, largest)
            ctx.target_weight(now, symbol, stop=want.stop, target=want.target)
            if now == want.weight:
                del self._pending[symbol]

    def _volatility(self, ctx: Context) -> FloatArray:
        # Standard deviation of the last simple returns of each name; NaN where one is missing.
        n = self.decision.volatility_bars
        out = np.full(len(self.forecasts.symbols), np.nan)
        for i, symbol in enumerate(self.forecasts.symbols):
            past = ctx.history(symbol, n + 1)
            if len(past) > n:
                out[i] = np.std(past[1:] / past[:-1] - 1.0, ddof=1)
        return out
