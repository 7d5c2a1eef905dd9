"""Accounts in another currency than their instruments: command line, study page, storage, risk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import tradewright as tw
from tradewright.app.cli import frame, main
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, NoDataError
from tradewright.domain.instruments import Instrument
from tradewright.marketdata import add_rates
from tradewright.services.markets.files import with_rates

DAY_NS = 86_400 * 10**9


def euro_bars(rows: int = 120) -> Bars:
    close = 100.0 + np.arange(rows)[:, None] * np.ones((1, 2))
    opened = np.vstack([close[:1], close[:-1]])
    names = (Instrument("SAP", currency="EUR"), Instrument("KO"))
    ts = (17_000 + np.arange(1, rows + 1)) * DAY_NS
    return Bars(names, ts, opened, close, opened, close, np.full((rows, 2), 1e7))


def rates_file(folder: Path, bars: Bars) -> Path:
    file = folder / "rates.csv"
    rates = 1.1 + 0.001 * np.arange(bars.n_bars)
    table = pl.DataFrame({"pair": "EUR/USD", "time": bars.ts, "rate": rates})
    table.write_csv(file)
    return file


class Half(tw.Strategy):
    def on_bar(self, ctx: Any, bar: Any) -> None:
        if bar.row == 0:
            ctx.target_weight(0.5, "SAP")
        self.weights = ctx.weights()


def test_weights_benchmark_and_limits_are_in_the_money_of_the_account(tmp_path: Path) -> None:
    bars = with_rates(euro_bars(), rates_file(tmp_path, euro_bars()))
    strategy = Half()
    run = tw.backtest(strategy, bars, cash=100_000, costs=None)
    # 50,000 dollars at 100 euros of 1.10: 454.54545454 shares.
    assert run.fills["quantity"][0] == pytest.approx(50_000 / 110, rel=1e-9)
    value = run.fills["quantity"][0] * 219.0 * 1.219
    assert strategy.weights[0] == pytest.approx(value / run.equity["equity"][-1], rel=1e-6)
    whole = 0.5 * (219 * 1.219 / (100 * 1.1) + 2.19)
    assert run.benchmarks[0].levels[-1] == pytest.approx(whole, rel=1e-9)
    config = {"limits": {"strategy.max_order_notional": 49_000.0}}
    limited = tw.backtest(Half(), bars, cash=100_000, costs=None, config=config)
    # 454.5 shares are 45,454 euros, which the limit would let pass, but 50,000 dollars.
    assert limited.fills["quantity"].to_list()[0] < 450


def test_an_account_in_euros_converts_what_is_priced_in_dollars(tmp_path: Path) -> None:
    bars = add_rates(euro_bars(), {"EUR/USD": 1.25})
    run = tw.backtest("buy_and_hold", bars, cash=10_000, config={"currency": "EUR"}, costs=None)
    bought = {row["symbol"]: row for row in run.fills.to_dicts()}
    assert bought["KO"]["notional"] == pytest.approx(bought["KO"]["quantity"] * 100 * 0.8, abs=0.01)
    assert run.metrics["currency_profit"] == 0


def test_a_stored_run_is_read_back_and_attributed_alike(tmp_path: Path) -> None:
    from tradewright.app.bootstrap import open_workspace

    bars = with_rates(euro_bars(), rates_file(tmp_path, euro_bars()))
    run = tw.backtest(Half(), bars, cash=100_000, costs=tw.Costs(fx_spread_bps=10))
    workspace = open_workspace()
    run.save(workspace)
    again = tw.Run.load(run.run_id, workspace)
    assert again.bars.rates["EUR/USD"].tolist() == bars.rates["EUR/USD"].tolist()
    assert again.metrics["currency_profit"] == run.metrics["currency_profit"] > 0
    assert again.trades["pnl"].to_list() == run.trades["pnl"].to_list()
    assert again.digest == run.digest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(frame, "COMMON", frame.Common())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_line_takes_rates_and_a_currency(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bars = euro_bars()
    table = pl.DataFrame(bars.columns()).with_columns(pl.col("timestamp").dt.date().alias("date"))
    table.drop("timestamp").write_csv("bars.csv")
    Path("terms.yaml").write_text("SAP: {currency: EUR}\n", encoding="utf-8")
    rates = rates_file(folder, bars)

    def run(*more: str) -> tuple[int, dict[str, Any], str]:
        given = ["backtest", "run", "--strategy", "buy_and_hold", "--data", "bars.csv", "--json"]
        code = main.run([*given, "--instruments", "terms.yaml", "--data-dir", "data", *more])
        told = capsys.readouterr()
        return code, json.loads(told.out or "{}"), told.err

    code, _, told = run()
    assert code == 2
    assert "SAP is priced in EUR, the account is in USD" in told
    code, dollars, told = run("--fx-rates", str(rates))
    assert code == 0, told
    assert dollars["metrics"]["currency_profit"] > 0
    assert main.run(["study", "rerun", dollars["run_id"], "--data-dir", "data"]) == 0
    capsys.readouterr()
    code, euros, told = run("--fx-rates", str(rates), "--currency", "eur")
    assert code == 0, told
    assert euros["metrics"]["currency_profit"] < 0
    code, _, told = run("--fx-rates", "none.csv")
    assert "none.csv: no such file" in told


def test_a_file_of_rates_that_is_wrong_is_named(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text("pair,time,rate\nEURUSD,2016-07-19T00:00:00Z,high\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"r.csv: rates row 0: rate is 'high'"):
        with_rates(euro_bars(), file)
    with pytest.raises(NoDataError, match="no such file"):
        with_rates(euro_bars(), tmp_path / "x.csv")


def test_a_study_takes_rates_and_terms(folder: Path) -> None:
    bars = euro_bars(700)
    wave = 1 + 0.02 * np.sin(np.arange(700) / 9)[:, None] * np.array([[1.0, -1.0]])
    table = pl.DataFrame(bars.columns()).with_columns(pl.col("timestamp").dt.date().alias("date"))
    waved = np.concatenate([wave[:, 1], wave[:, 0]])  # KO comes first in the table
    prices = [pl.col(n) * pl.Series(waved) for n in ("open", "high", "low", "close")]
    table.drop("timestamp").with_columns(prices).write_csv("bars.csv")
    rates = rates_file(folder, bars)
    page = {
        "name": "euro",
        "universe": {"symbols": ["SAP", "KO"]},
        "data": {
            "source": "file", "path": "bars.csv", "fx_rates": str(rates),
            "instruments": {"SAP": {"currency": "EUR"}},
        },
        "features": ["roc(5)", "roc(20)"],
        "decision": {"top_k": 1},
        "validation": {"training_days": 200, "testing_days": 60, "controls": 0},
        "costs": {"fee_bps": 1, "fx_spread_bps": 5},
        "cash": 50_000,
    }  # fmt: skip
    study = tw.Study.from_mapping(page, "test")
    run = study.run(allow_unhealthy=True)
    assert {i.symbol: i.currency for i in run.bars.instruments} == {"SAP": "EUR", "KO": "USD"}
    assert run.metrics["currency_profit"] != 0
    total = sum(row["contribution"] for row in run.attribution.instruments)
    assert total == pytest.approx(run.attribution.total_return, abs=1e-9)
