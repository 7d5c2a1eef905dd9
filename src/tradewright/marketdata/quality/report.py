"""The quality report of a panel of bars: every finding with its place, and a score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.actions import CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.time import from_ns
from tradewright.marketdata.quality import rules
from tradewright.marketdata.quality.rules import Finding

if TYPE_CHECKING:
    import polars as pl

WEIGHTS: Final[dict[str, float]] = {
    "invalid_bar": 1.0,
    "outlier": 1.0,
    "suspected_split": 5.0,
    "repeated_bar": 0.5,
    "stale": 0.5,
    "out_of_session": 0.25,
    "zero_volume": 0.1,
    "volume_spike": 0.1,
}
"""Weight of each rule in the score; a rule that is not named does not lower it."""


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What was found in a panel.

    Parameters
    ----------
    findings : tuple of Finding
        Sorted by severity, symbol and time.
    coverage : mapping of str to float
        Share of the bars that the calendar expects between an instrument's first and last bar.
    scores : mapping of str to float
        Quality score of each instrument in [0, 1].
    n_bars : int
        Bars that exist.
    first, last : datetime
        Close of the first and last bar, UTC.
    """

    findings: tuple[Finding, ...]
    coverage: Mapping[str, float]
    scores: Mapping[str, float]
    n_bars: int
    first: datetime
    last: datetime

    @property
    def score(self) -> float:
        """Mean score of the instruments, in [0, 1]."""
        return sum(self.scores.values()) / len(self.scores)

    @property
    def counts(self) -> dict[str, int]:
        """Bars concerned, by rule."""
        total: Counter[str] = Counter()
        for finding in self.findings:
            total[finding.rule] += finding.n_bars
        return dict(sorted(total.items()))

    def table(self) -> pl.DataFrame:
        """Return the findings as a table, one row each, with place and fix."""
        import polars as pl

        rows = [finding.as_dict() for finding in self.findings]
        moment = pl.Datetime("us", "UTC")
        schema: dict[str, Any] = {
            "symbol": pl.String,
            "rule": pl.String,
            "severity": pl.String,
            "start": moment,
            "end": moment,
            "n_bars": pl.Int64,
            "detail": pl.String,
            "fix": pl.String,
        }
        return pl.DataFrame(rows, schema=schema)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values, times as RFC 3339 text."""
        findings = [f.as_dict() for f in self.findings]
        for row in findings:
            row["start"], row["end"] = row["start"].isoformat(), row["end"].isoformat()
        return {
            "score": self.score,
            "n_bars": self.n_bars,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "counts": self.counts,
            "coverage": dict(self.coverage),
            "scores": dict(self.scores),
            "findings": findings,
        }


def quality_report(
    bars: Bars,
    *,
    actions: Sequence[CorporateAction] = (),
    now_ns: int | None = None,
) -> QualityReport:
    """Look for gaps, invalid bars, outliers, splits, stale runs and odd volume.

    ``score = coverage * max(0, 1 - sum(weight_rule * n_rule) / n_bars)`` for each instrument; only
    unconfirmed outliers count.

    Parameters
    ----------
    bars : Bars
        Bars to look at; they are not changed.
    actions : sequence of CorporateAction
        Splits and dividends, which explain moves of unadjusted prices.
    now_ns : int, optional
        The present, UTC nanoseconds; bars that close later are invalid. None does not check.

    Returns
    -------
    QualityReport
        Findings, coverage, scores.

    Notes
    -----
    Missing data: NaN is a gap where the calendar expects a bar.
    """
    expected = rules.expected_rows(bars)
    findings = [
        *rules.find_invalid(bars, now_ns),
        *rules.find_gaps(bars, expected),
        *rules.find_out_of_session(bars, expected),
        *rules.find_moves(bars, actions),
        *rules.find_stale(bars),
        *rules.find_zero_volume(bars),
    ]
    order = {"error": 0, "warning": 1, "info": 2}
    findings.sort(key=lambda f: (order[f.severity], f.symbol, f.start_ns))
    coverage = rules.coverage(bars, expected)
    return QualityReport(
        findings=tuple(findings),
        coverage=coverage,
        scores=_scores(bars, findings, coverage),
        n_bars=int((~np.isnan(bars.close)).sum()),
        first=from_ns(int(bars.ts[0])),
        last=from_ns(int(bars.ts[-1])),
    )


def _scores(
    bars: Bars, findings: Sequence[Finding], coverage: Mapping[str, float]
) -> dict[str, float]:
    lost: Counter[str] = Counter()
    for finding in findings:
        if finding.rule == "outlier" and finding.severity != "error":
            continue
        lost[finding.symbol] += WEIGHTS.get(finding.rule, 0.0) * finding.n_bars  # type: ignore[assignment]
    present = (~np.isnan(bars.close)).sum(axis=0)
    return {
        symbol: coverage[symbol] * max(0.0, 1.0 - lost[symbol] / max(int(count), 1))
        for symbol, count in zip(bars.symbols, present, strict=True)
    }
