"""Funding from a file to the report: Python, command line and study page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import tradewright as tw
from tradewright.app.cli import frame, main
from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, NoDataError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.services.markets.files import read_funding
from tradewright.services.study.sections import CostSection

HOUR_NS = 3_600 * 10**9
START_NS = 1_640_995_200 * 10**9  # 2022-01-01
SHARED = Path(__file__).parents[4] / "shared" / "data" / "crypto"


def perp_bars(rows: int = 96) -> Bars:
    close = 40_000.0 + 10.0 * np.arange(rows)[:, None]
    opened = np.vstack([close[:1], close[:-1]])
    perp = Instrument("BTC-PERP", AssetClass.CRYPTO_PERP, calendar="24/7", tick_size=0.5)
    ts = START_NS + HOUR_NS * np.arange(1, rows + 1)
    return Bars((perp,), ts, opened, close, opened, close, np.full((rows, 1), 1e9), interval="1h")


def held(rows: int = 96) -> tw.Signals:
    entries, exits = np.zeros((2, rows, 1), dtype=bool)
    entries[0] = True
    return tw.Signals(entries, exits, size=0.5)


def funding_file(folder: Path, rate: float = 0.0001) -> Path:
    lines = [f"BTC-PERP,{START_NS // 10**6 + 8 * 3_600_000 * n},{rate}" for n in range(13)]
    file = folder / "funding.csv"
    file.write_text("\n".join(["symbol,fundingTime,fundingRate", *lines]), encoding="utf-8")
    return file


def test_funding_is_a_component_of_its_own_in_result_and_attribution(tmp_path: Path) -> None:
    costs = Costs(funding=read_funding(funding_file(tmp_path)))
    run = tw.backtest(held(), perp_bars(), cash=80_000, costs=costs)
    size = run.fills["quantity"][0]
    # Paid at the close of every eighth hour while held; the last close pays nothing more.
    expected = sum(size * (40_000 + 10 * (8 * n - 1)) * 0.0001 for n in range(1, 12))
    assert run.metrics["funding_costs"] == pytest.approx(expected, abs=0.06)
    assert run.metrics["financing_costs"] == 0
    assert run.metrics["total_costs"] == run.metrics["funding_costs"]
    table = {row["symbol"]: row["total"] for row in run.costs.to_dicts()}
    assert table["(funding)"] == pytest.approx(run.metrics["funding_costs"])
    rows = {row["group"]: row for row in run.attribution.instruments}
    assert rows["(funding)"]["profit"] == pytest.approx(-run.metrics["funding_costs"])
    total = sum(row["contribution"] for row in run.attribution.instruments)
    assert total == pytest.approx(run.attribution.total_return, abs=1e-9)
    run.to_html(tmp_path / "report.html")
    assert "Funding" in (tmp_path / "report.html").read_text(encoding="utf-8")
    unpaid = tw.backtest(held(), perp_bars(), cash=80_000, costs=None)
    assert unpaid.outcome.notes == ("BTC-PERP pays no funding: costs.funding has no rates for it",)


def test_a_stored_run_keeps_its_funding(tmp_path: Path) -> None:
    costs = Costs(funding=read_funding(funding_file(tmp_path, -0.0002)))
    run = tw.backtest(held(), perp_bars(), cash=80_000, costs=costs)
    assert run.metrics["funding_costs"] < 0  # longs are paid
    assert run.config["costs"]["funding"]["BTC-PERP"][0] == (START_NS, -0.0002)
    again = Costs(**json.loads(json.dumps(run.config["costs"])))
    assert again == costs
    plain = tw.backtest(held(), perp_bars(), cash=80_000, costs=Costs(fee_bps=1))
    assert "funding" not in plain.config["costs"]


def test_rates_for_other_symbols_alone_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"costs.funding is for ETH-PERP, wanted one of BTC-PERP"):
        tw.backtest(held(), perp_bars(), costs=Costs(funding=[("ETH-PERP", START_NS, 0.1)]))


def test_rates_that_end_early_are_told() -> None:
    bars = perp_bars(24 * 10)
    costs = Costs(funding=[("BTC-PERP", START_NS, 0.0001)])
    run = tw.backtest(held(240), bars, costs=costs)
    assert run.outcome.notes == (
        "BTC-PERP pays funding from 2022-01-01 to 2022-01-01 only: costs.funding has no other "
        "rates",
    )


def test_a_file_without_symbols_takes_the_one_given(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text("time,rate\n2022-01-01T08:00:00Z,0.0001\n", encoding="utf-8")
    assert list(read_funding(file, "X-PERP")) == ["X-PERP"]
    with pytest.raises(ConfigError, match=r"f.csv: costs.funding row 0 has .* a column symbol"):
        read_funding(file)
    with pytest.raises(NoDataError, match="no such file"):
        read_funding(tmp_path / "none.csv")


def test_a_study_page_names_a_file_or_holds_the_rates(tmp_path: Path) -> None:
    section = CostSection(funding=str(funding_file(tmp_path)))
    assert section.costs().funding == read_funding(funding_file(tmp_path))
    kept = json.loads(section.model_dump_json())
    assert CostSection(**kept).costs() == section.costs()
    with pytest.raises(ValueError, match="no such file"):
        CostSection(funding="none.csv")


def test_the_command_line_charges_a_file_of_funding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(frame, "COMMON", frame.Common())
    monkeypatch.chdir(tmp_path)
    bars = perp_bars()
    closes = pl.col("timestamp").dt.replace_time_zone("UTC").alias("Close time")
    pl.DataFrame(bars.columns()).with_columns(closes).drop("timestamp").write_csv("bars.csv")
    (tmp_path / "terms.yaml").write_text("BTC-PERP: {multiplier: 0.001, lot_size: 1}\n")

    def run(*more: str) -> dict[str, Any]:
        given = ["backtest", "run", "--strategy", "buy_and_hold", "--data", "bars.csv", "--json"]
        assert main.run([*given, "--data-dir", str(tmp_path / "data"), *more]) == 0, (
            capsys.readouterr().err
        )
        return json.loads(capsys.readouterr().out)

    funding = str(funding_file(tmp_path))
    plain = run()
    funded = run("--funding", funding, "--instruments", "terms.yaml")
    assert plain["metrics"]["funding_costs"] == 0
    assert funded["metrics"]["funding_costs"] > 0
    assert funded["run_id"] != plain["run_id"]
    assert main.run(["study", "rerun", funded["run_id"], "--data-dir", str(tmp_path / "data")]) == 0
    assert main.run(["backtest", "run", "--strategy", "buy_and_hold", "--funding", "no.csv"]) != 0
    assert "funding no.csv: no such file" in capsys.readouterr().err


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared data folder is not beside this checkout"
)
def test_a_real_perpetual_pays_by_the_minute_bar_that_closes_at_the_hour() -> None:
    bars = tw.read_bars(SHARED / "btc_perp_minute_2022_01.parquet", stamp="open")
    assert bars.instruments[0].asset_class is AssetClass.CRYPTO_PERP
    entries, exits = np.zeros((2, *bars.close.shape), dtype=bool)
    entries[10] = True
    hours = range(int(bars.ts[0]) // HOUR_NS * HOUR_NS, int(bars.ts[-1]) + 1, HOUR_NS)
    funding = [("BTC-PERP", ns, 0.0000125) for ns in hours]
    run = tw.backtest(
        tw.Signals(entries, exits, size=0.9), bars, costs=Costs(funding=funding),
        config={"rules": {"max_stale_bars": 1000}},
    )  # fmt: skip
    fill = run.outcome.fills[0]
    expected = 0
    for ns in hours:
        row = int(np.searchsorted(bars.ts, ns, side="right")) - 1  # last close by then
        if int(fill["bar"]) <= row < bars.n_bars - 1:
            value = int(fill["qty"]) * round(bars.close[row, 0] * 1e8)
            expected += round(round(value / 1e14) * 0.0000125)
    assert run.outcome.funding is not None
    assert abs(int(run.outcome.funding.sum()) - expected) <= 1
    assert run.timeline.periods_per_year == 365.0
