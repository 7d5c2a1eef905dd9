"""A run read back from the store, with the figures it was stored with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tradewright.metrics.returns import returns_of
from tradewright.metrics.verdict import Verdict, replayed
from tradewright.ports.run_store import RunStore
from tradewright.services.luck.attribution import Attribution
from tradewright.services.luck.chance import Chance
from tradewright.services.results.documents import read_frame, read_json, read_outcome
from tradewright.services.results.evidence import RunStatistics
from tradewright.services.results.extras import RunExtras
from tradewright.services.results.figures import stored_metrics
from tradewright.services.results.timeline import Benchmark

if TYPE_CHECKING:
    import polars as pl

    from tradewright.services.runs import Run


def load_run(store: RunStore, run_id: str) -> Run:
    """Open a stored run.

    Parameters
    ----------
    store : RunStore
        Where it is kept.
    run_id : str
        Identity, or ``latest``.

    Returns
    -------
    Run
        Metrics, statistics and verdict are those stored; tables follow from the stored outcome.

    Raises
    ------
    NoDataError
        If there is no such run.
    DataError
        If one of its files is missing or damaged; names it.
    """
    from tradewright.services.runs import Run

    def read(name: str) -> bytes:
        return store.load(run_id, name)

    manifest = read_json(read, "manifest.json")
    figures = read_json(read, "metrics.json")
    extras = RunExtras.from_document(read_json(read, "extras.json"))
    outcome, bars, document = read_outcome(read)
    run = Run(
        outcome,
        bars,
        name=document["name"],
        kind=document["kind"],
        config=manifest.get("config"),
        manifest=manifest,
        extras=extras,
        benchmark=document["benchmark"],
        seed=document["seed"],
        risk_free=document["risk_free"],
        created_ns=document["created_ns"],
    )
    run.is_condensed = bars.n_bars != len(outcome.ts)
    run.__dict__["traded_interval"] = document["bars"]["traded_interval"]
    _restore(run, figures)
    if figures.get("metrics") is not None:
        run.__dict__["benchmark"] = read_frame(read, "benchmark.parquet")
        run.__dict__["benchmarks"] = _benchmarks(run.benchmark, figures["benchmarks"])
        if run.is_condensed:
            run.__dict__["trades"] = read_frame(read, "trades.parquet")
    return run


def _benchmarks(frame: pl.DataFrame, names: Sequence[str]) -> tuple[Benchmark, ...]:
    found = []
    for name, column in zip(names, frame.columns[2:], strict=True):
        levels = frame[column].to_numpy()
        found.append(Benchmark(name, levels, returns_of(levels)))
    return tuple(found)


def _restore(run: Run, figures: Mapping[str, Any]) -> None:
    verdict = figures["verdict"]
    said = Verdict(verdict["word"], verdict["sentence"], tuple(verdict["cautions"]))
    # Paper sessions of earlier versions were stored with the judgement of a backtest.
    is_judged = run.kind != "paper" or not said.may_show_performance
    run.__dict__["verdict"] = said if is_judged else replayed()
    if figures.get("metrics") is not None:
        run.metrics.know(stored_metrics(figures["metrics"]))
    if figures.get("statistics") is not None:
        run.__dict__["statistics"] = RunStatistics.from_document(figures["statistics"])
    if figures.get("chance") is not None:
        run.__dict__["chance"] = Chance.from_document(figures["chance"])
    if figures.get("attribution") is not None:
        run.__dict__["attribution"] = Attribution.from_document(figures["attribution"], run)
