"""Backtests on prices as traded: what users type, see and are told."""

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import tradewright as tw
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.errors import ConfigError, DataError
from tradewright.marketdata import adjust, forward_factors, read_actions
from tradewright.services.results.costing.bridge import bridge_rows, instrument_bridges
from tradewright.services.results.documents import read_outcome, write_documents
from tradewright.services.results.exports import json_of

DAYS = 160
SPLIT_AT, DIVIDEND_AT = 60, 100


def raw_bars(actions=True):
    """One share that is divided by 4 and pays a dividend, beside one to which nothing happens."""
    rng = np.random.default_rng(5)
    level = 100 * np.exp(np.cumsum(rng.normal(0.0005, 0.01, (DAYS, 2)), axis=0))
    level[SPLIT_AT:, 0] /= 4
    level[DIVIDEND_AT:, 0] -= 0.5
    days = [date(2014, 1, 1) + timedelta(days=i) for i in range(DAYS)]
    rows = [
        {"date": day, "symbol": symbol, "open": px, "high": px * 1.01, "low": px * 0.99,
         "close": px, "volume": 1e6}
        for i, day in enumerate(days) for symbol, px in zip(("AA", "BB"), level[i], strict=True)
    ]  # fmt: skip
    table = [
        {"symbol": "AA", "kind": "split", "ex_date": days[SPLIT_AT].isoformat(), "value": "4:1",
         "pay_date": None},
        {"symbol": "AA", "kind": "dividend", "ex_date": days[DIVIDEND_AT].isoformat(),
         "value": "0.50", "pay_date": days[DIVIDEND_AT + 5].isoformat()},
    ]  # fmt: skip
    known = pl.DataFrame(table) if actions else None
    return tw.read_bars(
        pl.DataFrame(rows), interval="1d", calendar="24/7", adjustment="none", actions=known
    )


class Holds(tw.Strategy):
    name = "holds"

    def on_bar(self, ctx, bar):
        if bar.row == 0:
            ctx.target_weight(0.5, "AA")
            ctx.target_weight(0.4, "BB")


def test_a_strategy_is_not_surprised_by_a_split_and_is_paid_the_dividend():
    bars = raw_bars()
    run = tw.backtest(Holds(), bars, costs=None)
    assert run.status == "COMPLETED"
    returns = np.diff(run.equity["equity"].to_numpy()) / run.equity["equity"].to_numpy()[:-1]
    assert np.abs(returns).max() < 0.05
    found = run.actions
    assert found["effect"].to_list() == ["split", "dividend", "payment"]
    held = run.fills["quantity"][0] * 4
    assert found["accrued"][1] == pytest.approx(held * 0.5, abs=0.01)
    assert found["cash"][2] == found["accrued"][1]
    trips = {row["symbol"]: row for row in run.trades.to_dicts()}
    assert trips["AA"]["dividends"] == found["accrued"][1]
    assert trips["AA"]["quantity"] == pytest.approx(held)
    assert trips["AA"]["mae"] > -0.3
    assert run.equity["dividends_due"][DIVIDEND_AT] == found["accrued"][1]


def test_the_benchmark_and_the_attribution_know_the_actions():
    bars = raw_bars()
    run = tw.backtest(Holds(), bars, costs=None)
    total = adjust(bars, mode="total_return").close
    held = (total / total[0]).mean(axis=1)
    assert run.benchmarks[0].levels == pytest.approx(held)
    rows = run.attribution.instruments
    assert sum(row["contribution"] for row in rows) == pytest.approx(
        run.attribution.total_return, abs=1e-9
    )
    own = {row["group"]: row["profit"] for row in rows}
    trips = {row["symbol"]: row["pnl"] for row in run.trades.to_dicts()}
    assert own["AA"] == pytest.approx(trips["AA"], abs=0.05)
    assert run.metrics["total_return"] == pytest.approx(run.attribution.total_return)


def test_weights_and_a_strategy_of_weights_give_the_same_account():
    bars = raw_bars()
    weights = np.full(bars.close.shape, np.nan)
    weights[0] = [0.5, 0.4]
    weights[90] = [0.2, 0.7]

    class Same(tw.Strategy):
        def on_bar(self, ctx, bar):
            for at, symbol in enumerate(ctx.symbols):
                if not np.isnan(weights[bar.row, at]):
                    ctx.target_weight(weights[bar.row, at], symbol)

        def on_fill(self, ctx, fill):
            assert ctx.position(fill.symbol) == pytest.approx(
                ctx.account.positions.get(fill.symbol, 0) / 1e8
            )

    batch = tw.backtest(tw.TargetWeights(weights), bars)
    step = tw.backtest(Same(), bars)
    assert batch.outcome.equity.tolist() == step.outcome.equity.tolist()
    assert batch.outcome.effects.tolist() == step.outcome.effects.tolist()
    one = tw.sweep(lambda at: tw.TargetWeights(weights), bars, {"at": [1, 2]})
    assert one.table["total_return"][0] == pytest.approx(
        batch.outcome.equity[-1] / batch.outcome.equity[0] - 1
    )


def test_history_is_restated_as_of_now_and_never_looks_ahead():
    seen = {}

    class Looks(tw.Strategy):
        def on_bar(self, ctx, bar):
            seen[bar.row] = {
                mode: ctx.history("AA", 30, adjust=mode).tolist()
                for mode in ("splits", "total_return", "none")
            } | {
                "volume": ctx.history("AA", 30, "volume").tolist(),
                "rsi": ctx.indicator("rsi(14)", "AA") if bar.row > 20 else None,
                "week": ctx.history("AA", 4, interval="1wk").tolist(),
            }

    bars = raw_bars()
    tw.backtest(Looks(), bars)
    row = SPLIT_AT + 9
    raw = bars.close[row - 29 : row + 1, 0]
    assert seen[row]["none"] == raw.tolist()
    assert seen[row]["splits"][:20] == pytest.approx(raw[:20] / 4)
    assert seen[row]["splits"][20:] == raw[20:].tolist()
    assert seen[row]["volume"][:20] == pytest.approx([4e6] * 20)
    assert seen[row - 10]["splits"] == raw_bars().close[row - 39 : row - 9, 0].tolist()
    late = DIVIDEND_AT + 5
    paid = 1 - 0.5 / bars.close[DIVIDEND_AT - 1, 0]
    assert seen[late]["total_return"][0] == pytest.approx(seen[late]["splits"][0] * paid)
    assert abs(np.diff(np.log(seen[row]["week"]))).max() < 0.3
    # The same tape, cut: what was seen then does not change.
    whole = dict(seen)
    seen.clear()
    tw.backtest(Looks(), bars.rows(0, row + 1))
    assert seen[row] == whole[row]


def test_an_indicator_of_prices_is_in_prices_of_its_own_bar():
    got = {}

    class Reads(tw.Strategy):
        def on_bar(self, ctx, bar):
            got[bar.row] = ctx.indicator("sma(5)", "AA"), ctx.indicator("rsi(14)", "AA")

    bars = raw_bars()
    tw.backtest(Reads(), bars)
    row = SPLIT_AT + 2
    past = bars.close[row - 4 : row + 1, 0].copy()
    past[:2] /= 4
    assert got[row][0] == pytest.approx(past.mean())
    # An index has no unit: the split, a fall by three quarters, does not show in it.
    assert 10 < got[SPLIT_AT][1] < 90


def test_reference_strategies_do_not_trade_on_a_split():
    bars = raw_bars().select(["AA"])
    raw = tw.backtest("sma_cross", bars, costs=None)
    smooth = tw.backtest("sma_cross", adjust(bars, mode="splits"), costs=None)
    assert raw.fills["time"].to_list() == smooth.fills["time"].to_list()
    assert raw.fills["side"].to_list() == smooth.fills["side"].to_list()


def test_settings_of_actions_and_their_errors():
    bars = raw_bars()
    taxed = tw.backtest(Holds(), bars, config={"dividend_withholding": 0.3,
                        "max_position_size": None, "max_drawdown_limit": None,
                        "stop_loss_threshold": None})  # fmt: skip
    paid = taxed.actions.row(1, named=True)
    assert paid["withheld"] == pytest.approx((paid["accrued"] + paid["withheld"]) * 0.3, abs=0.01)
    assert taxed.config["backtest"]["dividend_withholding"] == 0.3
    assert "dividend_withholding" not in tw.backtest(Holds(), bars).config["backtest"]
    with pytest.raises(ConfigError, match="dividend_withholding is 2, wanted 0 to 1"):
        tw.backtest(Holds(), bars, config={"dividend_withholding": 2})
    with pytest.raises(ConfigError, match="delisting_return is -3, wanted -1 to 1"):
        tw.backtest(Holds(), bars, config={"delisting_return": -3})
    with pytest.raises(DataError, match="adjusted prices hold them already"):
        tw.sample_bars(["AAPL"]).with_actions(
            [CorporateAction("AAPL", ActionKind.SPLIT, date(2014, 6, 9), 7.0)]
        )


def test_the_stop_loss_measures_from_the_cost_of_the_new_shares():
    bars = raw_bars()
    run = tw.backtest(Holds(), bars, costs=None, config={"stop_loss_threshold": 0.6,
                      "max_position_size": None, "max_drawdown_limit": None})  # fmt: skip
    assert len(run.fills) == 2  # a fall by three quarters would have closed it


def test_a_run_with_actions_is_stored_and_read_back():
    run = tw.backtest(Holds(), raw_bars(), costs=None)
    documents = write_documents(run)
    outcome, bars, _ = read_outcome(documents.__getitem__)
    assert outcome.effects.tolist() == run.outcome.effects.tolist()
    assert outcome.actions == run.outcome.actions
    assert bars.actions == run.bars.actions
    told = json.loads(json_of(run))["actions"]
    assert [row["effect"] for row in told] == ["split", "dividend", "payment"]
    plain = tw.backtest(Holds(), raw_bars(actions=False), costs=None)
    assert json.loads(json_of(plain))["actions"] == []
    assert "effects.parquet" not in write_documents(plain)
    assert plain.manifest["data_version"] != run.manifest["data_version"]
    assert run.rerun().digest == run.digest


def test_the_report_lists_actions_and_what_they_brought(tmp_path):
    run = tw.backtest(Holds(), raw_bars(), costs=None)
    run.to_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "Corporate actions" in page
    assert "Part of the gross profit, in USD: dividends +" in page
    rows = {row["label"]: row for row in bridge_rows(run, instrument_bridges(run))}
    assert set(rows) == {"AA", "BB"}  # nothing is left over: the dividend is AA's
    plain = tw.backtest(Holds(), raw_bars(actions=False), costs=None)
    plain.to_html(tmp_path / "plain.html")
    assert "Corporate actions" not in (tmp_path / "plain.html").read_text()


def test_a_bad_table_says_where_and_what():
    def table(**columns):
        return pl.DataFrame(columns)

    with pytest.raises(DataError, match="wanted the columns ex_date"):
        read_actions(table(symbol=["A"], kind=["split"]))
    with pytest.raises(DataError, match="column 'pay_day' is not known; did you mean 'pay_date'"):
        read_actions(table(symbol=["A"], kind=["split"], ex_date=["2014-06-09"], pay_day=["x"]))
    with pytest.raises(DataError, match="row 2: kind is 'spilt'"):
        read_actions(
            table(symbol=["A", "A"], kind=["split", "spilt"], ex_date=["2014-06-09"] * 2,
                  value=["2", "2"])
        )  # fmt: skip
    with pytest.raises(DataError, match=r"row 1: A: split of 2014-06-09 is 0\.0, wanted above 0"):
        read_actions(table(symbol=["A"], kind=["split"], ex_date=["2014-06-09"]))


def test_forward_factors_never_change_when_rows_are_added():
    bars = raw_bars()
    for mode in ("splits", "total_return"):
        whole = forward_factors(bars, mode=mode)
        for end in (SPLIT_AT, SPLIT_AT + 1, DIVIDEND_AT + 1):
            assert np.array_equal(forward_factors(bars.rows(0, end), mode=mode), whole[:end])
