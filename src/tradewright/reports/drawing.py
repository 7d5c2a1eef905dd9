"""The report's equity and drawdown as a matplotlib figure, for notebooks."""

from __future__ import annotations

from typing import Any

from tradewright.domain.errors import ConfigError, MissingExtraError
from tradewright.metrics.drawdowns import drawdown_series
from tradewright.reports.content import ReportContent

COLOURS = ("#1A6AA8", "#8A93A0", "#C98A1B")


def draw_equity(content: ReportContent) -> Any:
    """Draw growth beside the benchmark over drawdown.

    Parameters
    ----------
    content : ReportContent
        With a curve.

    Returns
    -------
    matplotlib.figure.Figure
        Not shown and not registered with pyplot.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    ConfigError
        If the run may show no performance.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "reports") from error
    curve = content.curve
    if curve is None:
        raise ConfigError(f"run {content.run_id}: {content.verdict.sentence}")
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    times = curve.ts.view("datetime64[ns]")
    lines = {"strategy": curve.strategy, **curve.benchmarks}
    for index, (name, levels) in enumerate(lines.items()):
        colour, width = COLOURS[index % 3], 1.6 if index == 0 else 1.0
        above.plot(times, levels, label=name, color=colour, linewidth=width)
    for first, last in curve.spans:
        bounds = [first, last]
        start, end = (times.dtype.type(bound, "ns") for bound in bounds)
        above.axvspan(start, end, color="#1A6AA8", alpha=0.05, linewidth=0)
    above.axhline(1.0, color="#8492A3", linewidth=0.6)
    above.set_title(f"{content.title}: {content.verdict.word}", loc="left", fontsize=11)
    above.set_ylabel("growth of 1")
    above.legend(frameon=False, fontsize=9)
    below.fill_between(times, drawdown_series(curve.strategy), 0, color="#B93A32", alpha=0.35)
    below.set_ylabel("drawdown")
    below.yaxis.set_major_formatter(lambda value, _position: f"{value:.0%}")
    for axis in (above, below):
        axis.spines[["top", "right"]].set_visible(False)
    return figure
