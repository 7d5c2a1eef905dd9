"""The data-health gate: whether a study may show a result on these bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradewright.domain.actions import CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, RefusedError
from tradewright.domain.time import from_ns
from tradewright.marketdata.quality.report import QualityReport, quality_report
from tradewright.marketdata.quality.rules import Finding


@dataclass(frozen=True, slots=True)
class HealthVerdict:
    """Verdict of the gate.

    Parameters
    ----------
    ok : bool
        Whether a result may be shown.
    findings : tuple of Finding
        What fails the gate.
    warnings : tuple of Finding
        What does not, and a reader should know.
    summary : str
        One sentence, or one with a line for each failure.
    report : QualityReport
        Everything that was found.
    """

    ok: bool
    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    summary: str
    report: QualityReport

    def require(self) -> None:
        """Raise a `RefusedError` with the table of failures unless the data are healthy."""
        if not self.ok:
            raise RefusedError(self.summary)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON-ready values."""
        rows = [finding.as_dict() for finding in self.findings]
        for row in rows:
            row["start"], row["end"] = row["start"].isoformat(), row["end"].isoformat()
        return {
            "ok": self.ok,
            "summary": self.summary,
            "failures": rows,
            "warnings": len(self.warnings),
            "score": self.report.score,
        }


def check_health(
    bars: Bars,
    *,
    min_coverage: float = 0.98,
    min_bars: int = 2,
    actions: Sequence[CorporateAction] = (),
    now_ns: int | None = None,
) -> HealthVerdict:
    """Decide whether a study may show a result on bars.

    Refused are: less than `min_coverage` of the expected bars of an instrument, five or more
    expected sessions missing in a row, an invalid bar, an unconfirmed outlier (abs(z) > 10), a
    suspected split or decimal error, five or more equal bars, more than 5 % of bars outside the
    sessions, and fewer than `min_bars` bars. Large moves that the market or lasting prices on
    raised volume confirm are warnings.

    Parameters
    ----------
    bars : Bars
        Bars of the study.
    min_coverage : float
        Least share of expected bars that must exist, in [0, 1].
    min_bars : int
        Least bars an instrument must have, for example the warm-up.
    actions : sequence of CorporateAction
        Splits and dividends, which explain moves of unadjusted prices.
    now_ns : int, optional
        The present, UTC nanoseconds; later bars are invalid.

    Returns
    -------
    HealthVerdict
        Call `HealthVerdict.require` to stop on a failure (exit code 3).

    Raises
    ------
    ConfigError
        If `min_coverage` is outside [0, 1].
    """
    if not 0.0 <= min_coverage <= 1.0:
        raise ConfigError(f"min_coverage is {min_coverage}, wanted a share between 0 and 1")
    report = quality_report(bars, actions=actions, now_ns=now_ns)
    failures = [f for f in report.findings if f.severity == "error"]
    first, last = int(bars.ts[0]), int(bars.ts[-1])
    counts = (~np.isnan(bars.close)).sum(axis=0)
    for symbol, count in zip(bars.symbols, counts.tolist(), strict=True):
        share = report.coverage[symbol]
        if count < min_bars:
            text = f"{count} bars, at least {min_bars} are needed"
            failures.append(Finding(symbol, "long_gap", "error", first, last, count, text))
        elif share < min_coverage:
            text = f"coverage {share:.2%} is below {min_coverage:.2%}"
            failures.append(Finding(symbol, "gap", "error", first, last, count, text))
    warnings = tuple(f for f in report.findings if f.severity != "error")
    return HealthVerdict(
        ok=not failures,
        findings=tuple(failures),
        warnings=warnings,
        summary=_summary(report, failures, warnings),
        report=report,
    )


def _summary(
    report: QualityReport, failures: Sequence[Finding], warnings: Sequence[Finding]
) -> str:
    scope = (
        f"{report.n_bars:,} bars of {len(report.coverage)} instruments, "
        f"{report.first:%Y-%m-%d} to {report.last:%Y-%m-%d}"
    )
    least = min(report.coverage.values())
    if not failures:
        notable = sum(1 for f in warnings if f.severity == "warning")
        return (
            f"data are healthy: {scope}, coverage at least {least:.2%}, score {report.score:.3f}, "
            f"{notable} warnings"
        )
    lines = [f"data fail the health gate: {scope}; {len(failures)} failures"]
    lines += [
        f"  {f.symbol}  {f.rule}  {from_ns(f.start_ns):%Y-%m-%d %H:%M}Z"
        f"{'' if f.end_ns == f.start_ns else f' to {from_ns(f.end_ns):%Y-%m-%d %H:%M}Z'}"
        f"  {f.detail}; {f.as_dict()['fix']}"
        for f in failures[:10]
    ]
    if len(failures) > 10:
        lines.append(f"  … and {len(failures) - 10} more")
    return "\n".join(lines)
