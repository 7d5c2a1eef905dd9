"""Every metric once: name, definition, formula, convention and unit, for report, page and docs."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from tradewright.domain.errors import ConfigError, nearest


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric is.

    Parameters
    ----------
    name : str
        Key in ``run.metrics`` or ``run.statistics``.
    label : str
        As shown to people.
    group : str
        Section of the table it belongs to.
    unit : str
        ``fraction`` (0.01 is 1 %), ``ratio``, ``count``, ``bars``, ``sessions``, ``money`` (major
        units of the currency), ``bps``, ``score`` (0-100) or ``probability``.
    definition : str
        One sentence.
    formula : str
        In the project's symbols: r returns per session, n their number, ppy sessions per year,
        f the annual risk-free rate, E equity.
    convention : str
        The choice made where libraries differ, and when the metric is undefined.
    better : int
        1 if higher is better, -1 if lower is, 0 if neither.
    """

    name: str
    label: str
    group: str
    unit: str
    definition: str
    formula: str
    convention: str
    better: int = 0


GROUPS: Final = ("Return", "Risk", "Drawdown", "Benchmark", "Trades", "Exposure", "Costs", "Luck")


def _read() -> tuple[Metric, ...]:
    text = files("tradewright.metrics").joinpath("glossary.toml").read_text("utf-8")
    return tuple(Metric(name=name, **entry) for name, entry in tomllib.loads(text).items())


METRICS: Final = _read()
"""Every metric, in the order it is shown."""

BY_NAME: Final = {metric.name: metric for metric in METRICS}


def metric(name: str) -> Metric:
    """Return what a metric is.

    Raises
    ------
    ConfigError
        If there is no such metric; names the nearest one.
    """
    if name not in BY_NAME:
        raise ConfigError(f"metric {name!r} is not known; {nearest(name, BY_NAME)}")
    return BY_NAME[name]


def format_value(name: str, value: float | None, *, currency: str = "USD") -> str:
    r"""Write a value for people, in the unit of its metric.

    Parameters
    ----------
    name : str
        A metric.
    value : float or None
        NaN, infinity and None are shown as a dash.
    currency : str
        Of amounts.

    Returns
    -------
    str
        With a true minus sign and thin spaces between thousands.

    Examples
    --------
    >>> format_value("total_return", 0.1234), format_value("trades", 1234.0)
    ('12.34%', '1\u2009234')
    >>> format_value("sharpe", float("nan")), format_value("max_drawdown", -0.2)
    ('–', '−20.00%')
    """
    if value is None or not math.isfinite(value):
        return "–"
    unit = metric(name).unit
    if unit == "fraction":
        text = f"{value * 100:,.2f}%"
    elif unit in ("count", "sessions"):
        text = f"{value:,.0f}"
    elif unit == "money":
        text = f"{value:,.2f} {currency}"
    elif unit == "bars":
        text = f"{value:,.1f}"
    elif unit == "probability":
        text = f"{value:.3f}"
    else:
        text = f"{value:,.2f}"
    return text.replace("-", "−").replace(",", "\u2009")


def glossary_page() -> str:
    """Write the reference page of all metrics (Markdown), from this module alone."""
    lines = [
        "---",
        "kind: reference",
        "---",
        "# Metrics",
        "",
        "Symbols: r returns per session, n their number, ppy sessions per year (252 exchanges, "
        "260 forex, 365 crypto), f the annual risk-free rate (0.02 unless set), E equity at each "
        "bar, b returns of the benchmark. Fractions: 0.01 is 1 %. Bars shorter than a day are "
        "compounded to sessions before anything is annualised; drawdowns see every bar. A metric "
        "that is not defined is NaN in Python, null in JSON and a dash on paper.",
        "",
        "This page is written by `python -m tradewright.metrics.glossary`; "
        "a test keeps it current.",
    ]
    for group in GROUPS:
        lines += ["", f"## {group}", "", "| metric | key | unit | what | formula | convention |"]
        lines.append("|---|---|---|---|---|---|")
        for entry in METRICS:
            if entry.group == group:
                cells = (
                    entry.label,
                    f"`{entry.name}`",
                    entry.unit,
                    entry.definition,
                    f"`{entry.formula}`",
                    entry.convention,
                )
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(glossary_page(), end="")
