"""Members by date: a strategy is told who belongs to the universe at its own time."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tests.unit.engine.test_loop import tape

from tradewright.domain.errors import ConfigError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.domain.time import NS_PER_DAY
from tradewright.domain.universe import Member, Universe
from tradewright.engine import Sleeve, Sleeves
from tradewright.portfolio import DecisionSettings
from tradewright.services.backtest import BacktestConfig, backtest, plan_backtest, run_outcome
from tradewright.services.study_page import parse_page
from tradewright.strategies import ForecastStrategy, MomentumTopN, Strategy

ROOT = Path(__file__).parents[3]
ROWS = [("A", None, "1970-01-03"), ("B", "1970-01-03", None), ("A", "1970-01-06", "1970-01-06")]


class Ask(Strategy):
    def __init__(self):
        self.seen = []

    def on_bar(self, ctx, bar):
        self.seen.append(ctx.universe)


def flat(n=7, symbols=("B", "A", "C")):
    # The test tape closes at midnight: row 0 is 2 January 1970.
    return tape(np.full((n, len(symbols)), 10.0), symbols=symbols)


def test_members_are_those_of_the_decisions_own_day_in_the_order_of_the_tape():
    ask = Ask()
    run_outcome(plan_backtest(ask, flat(), config={"universe": ROWS}))
    assert ask.seen == [("A",), ("B", "A"), ("B",), ("B",), ("B", "A"), ("B",), ("B",)]


def test_without_a_dated_universe_everybody_is_a_member():
    ask = Ask()
    run_outcome(plan_backtest(ask, flat(2)))
    assert ask.seen == [("B", "A", "C")] * 2


def test_sleeves_see_the_same_members():
    ask = Ask()
    run_outcome(plan_backtest(Sleeves([Sleeve(ask, 1.0)]), flat(1), config={"universe": ROWS}))
    assert ask.seen == [("A",)]


def test_momentum_ranks_members_only_and_sells_who_left():
    closes = np.column_stack([10 * 1.02 ** np.arange(8), 10 * 1.01 ** np.arange(8)])
    bars = tape(closes, symbols=("A", "B"), lot=1e-8)
    momentum = MomentumTopN(top_n=1, lookback=2, skip=0, every=1)
    config = BacktestConfig(
        max_position_size=None, max_drawdown_limit=None, stop_loss_threshold=None,
        universe=[("A", None, "1970-01-05"), ("B", None, None)],
    )  # fmt: skip
    outcome = run_outcome(plan_backtest(momentum, bars, config=config, costs=None))
    side = {name: outcome.orders[outcome.orders["instrument"] == c] for c, name in enumerate("AB")}
    assert side["A"]["bar"].tolist()[0] == 2  # the stronger one while it is a member
    assert side["A"]["bar"].tolist()[-1] == 4  # 6 January: no member any more
    assert outcome.orders["side"][outcome.orders["instrument"] == 0].tolist()[-1] == -1
    assert side["B"]["bar"].tolist()[0] == 4


def test_forecasts_of_those_who_are_no_members_are_left_out_and_their_holdings_sold():
    bars = flat(7, symbols=("A", "B", "C"))
    panel = ForecastPanel(
        symbols=bars.symbols, ts_known=bars.ts, horizon_bars=1, model="m",
        mean=np.tile([0.03, 0.02, 0.01], (7, 1)),
    )  # fmt: skip
    config = BacktestConfig(
        max_position_size=None, max_drawdown_limit=None, stop_loss_threshold=None,
        universe=[("A", None, "1970-01-04"), ("B", "1970-01-05", None), ("C", None, None)],
    )  # fmt: skip
    strategy = ForecastStrategy(panel, DecisionSettings(top_k=1))
    outcome = run_outcome(plan_backtest(strategy, bars, config=config, costs=None))
    traded = [
        (int(order["bar"]), "ABC"[order["instrument"]], int(order["side"]))
        for order in outcome.orders
    ]
    assert traded == [(0, "A", 1), (3, "A", -1), (3, "B", 1)]


def test_a_universe_is_part_of_the_config_and_of_the_runs_identity():
    config = BacktestConfig(universe=ROWS)
    again = BacktestConfig.from_mapping(config.to_mapping())
    assert again.universe == config.universe == Universe.of(ROWS)
    plans = [
        plan_backtest("buy_and_hold", flat(), config=BacktestConfig(universe=rows))
        for rows in (ROWS, ROWS[:2])
    ]
    assert plans[0].run_id != plans[1].run_id
    run = backtest("momentum_top_n", flat(), config={"universe": ROWS})
    assert run.config["backtest"]["universe"] == [list(row) for row in ROWS]


def test_days_are_whole_and_both_included():
    universe = Universe.of(
        [{"symbol": "A", "valid_from": date(1970, 1, 2), "valid_to": "1970-01-02"}]
    )
    told = {
        at: universe.members(at, ("A",))
        for at in (NS_PER_DAY - 1, NS_PER_DAY, 2 * NS_PER_DAY - 1, 2 * NS_PER_DAY)
    }
    assert list(told.values()) == [(), ("A",), ("A",), ()]


def test_universe_equals_a_search_through_all_rows():
    rng = np.random.default_rng(5)
    rows = []
    for _ in range(60):
        first = int(rng.integers(0, 300))
        days = [date.fromordinal(719163 + d) for d in (first, first + int(rng.integers(0, 90)))]
        rows.append(Member(f"S{rng.integers(0, 12)}", *days))
    universe = Universe(tuple(rows))
    for day in range(-1, 400):
        on = date.fromordinal(719163 + day)
        wanted = {m.symbol for m in rows if m.valid_from <= on <= m.valid_to}
        told = universe.members(day * NS_PER_DAY + 7, universe.symbols)
        assert set(told) == wanted


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no member is named"),
        ([("A", "2020-02-01", "2020-01-31")], "A is valid to 2020-01-31, before 2020-02-01"),
        ([("A", "1.2.2020")], r"row 0: date '1\.2\.2020' is not of the form"),
        ([("A",), ("B", 5)], "row 1: 5, wanted a date"),
        ([{"symbol": "A", "valid_form": None}], "valid_form is not known; .*valid_from"),
        ([("", None, None)], "symbol is ''"),
        (["A"], "row 0 is 'A', wanted symbol, valid_from, valid_to"),
    ],
)
def test_wrong_rows_are_named(rows, message):
    with pytest.raises(ConfigError, match=message):
        Universe.of(rows)


def test_a_universe_that_is_no_table_is_refused_with_its_key():
    with pytest.raises(ConfigError, match=r"config\.universe is 'sp500', wanted rows"):
        plan_backtest("buy_and_hold", flat(), config={"universe": "sp500"})


def test_a_universe_of_strangers_is_refused():
    with pytest.raises(ConfigError, match="universe names Z, none of which is among the bars"):
        plan_backtest("buy_and_hold", flat(), config={"universe": [("Z", None, None)]})


def test_a_page_reads_its_members_and_writes_them_again():
    page = (ROOT / "examples" / "ridge.yaml").read_text(encoding="utf-8")
    page = page.replace(
        "  reference: [SPY]", "  reference: [SPY]\n  members: [[ibm, null, 2013-03-01]]"
    )
    found = parse_page(page).universe
    assert found.members == (("IBM", None, "2013-03-01"),)
    assert found.dated() == Universe.of([("IBM", None, date(2013, 3, 1))])
    assert type(found)(**found.model_dump()) == found
    with pytest.raises(ConfigError, match=r"universe: ibm is valid to 2012-01-01, before"):
        parse_page(
            page.replace("[ibm, null,", "[ibm, 2013-03-01,").replace("2013-03-01]]", "2012-01-01]]")
        )
