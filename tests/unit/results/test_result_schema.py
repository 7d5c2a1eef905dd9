"""The result under its documented names, and its JSON document against the schema."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

import tradewright as tw
from tradewright.domain.time import from_ns
from tradewright.services.results.schema import RunDocument, schema_text
from tradewright.services.runs import BacktestResult, RunExtras, Window

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "run.schema.json"


@pytest.fixture(scope="module")
def run():
    return tw.backtest("sma_cross", tw.sample_bars(["AAPL", "KO"], start="2014-01-01"))


def test_schema_is_the_one_checked_in() -> None:
    assert PAGE.read_text() == schema_text(), "python -m tradewright.services.results.schema …"
    assert json.loads(schema_text())["additionalProperties"] is False


def test_json_document_is_valid_and_lossless(run) -> None:
    document = RunDocument.model_validate_json(run.to_json())
    assert document.manifest["result_digest"] == run.digest
    for name, value in run.metrics.items():
        stored = document.metrics[name]
        assert stored == value if math.isfinite(value) else stored is None
    assert len(document.trades) == run.trades.height
    assert document.execution_end == run.execution_end
    broken = json.loads(run.to_json()) | {"surprise": 1}
    with pytest.raises(ValidationError, match="surprise"):
        RunDocument.model_validate(broken)


def test_failed_run_has_a_valid_document_without_figures() -> None:
    class Breaks(tw.Strategy):
        def on_bar(self, ctx, bar):
            raise RuntimeError("no")

    with pytest.warns(RuntimeWarning, match="FAILED"):
        failed = tw.backtest(Breaks(), tw.sample_bars(["AAPL"], start="2016-01-01"))
    document = RunDocument.model_validate_json(failed.to_json())
    assert document.metrics is None
    assert document.equity is None
    assert document.verdict.word == "incomplete"


def test_every_name_of_the_result(run) -> None:
    assert BacktestResult is tw.Run
    assert run.execution_start <= run.execution_end
    assert run.total_periods == 1
    assert run.period_results == ()
    assert run.overall_metrics == pytest.approx(dict(run.metrics), nan_ok=True)
    assert run.var_95 == run.metrics["var_95"] > 0
    assert run.cvar_95 >= run.var_95
    assert run.round_trips.equals(run.trades)
    assert math.isnan(run.performance_consistency)
    curve = run.cumulative_returns
    assert curve["cumulative_return"][0] == 0.0
    assert curve["cumulative_return"][-1] == pytest.approx(run.metrics["total_return"])
    assert curve["time"][-1] == from_ns(int(run.outcome.ts[-1]))


def test_periods_of_a_run_with_windows(make_run, make_bars) -> None:
    ts = make_bars().ts
    spans = ((0, 98, 100, 249), (100, 248, 250, 399))
    windows = tuple(
        Window(number, *(int(ts[row]) for row in span), parameters={"n": number})
        for number, span in enumerate(spans, start=1)
    )
    run = make_run(extras=RunExtras(windows=windows))
    periods = run.period_results
    assert [period.index for period in periods] == [1, 2]
    assert run.total_periods == 2
    assert periods[0].train_last < periods[0].test_first <= periods[0].test_last
    assert periods[0].last_equity == pytest.approx(periods[1].first_equity)
    gained = np.prod([1 + period.metrics["total_return"] for period in periods]) - 1
    assert gained == pytest.approx(run.metrics["total_return"])
    assert sum(period.trades for period in periods) <= run.trades.height
    assert set(run.stability_metrics) >= {"positive_windows", "performance_consistency"}
    assert run.performance_consistency == run.stability_metrics["performance_consistency"]
    RunDocument.model_validate_json(run.to_json())
