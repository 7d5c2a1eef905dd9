"""Numbers and dates as people read them: tabular, signed, with a true minus."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from tradewright.domain.time import from_ns
from tradewright.reports.markup import Markup, el

DASH = "–"
THIN = "\u2009"


def percent(value: Any, *, digits: int = 1, signed: bool = False) -> str:
    """Write a fraction as percent; a dash where it is not defined.

    Examples
    --------
    >>> percent(0.1234), percent(-0.5, signed=True), percent(None)
    ('12.3%', '−50.0%', '–')
    """
    if not _is_number(value):
        return DASH
    text = f"{value * 100:+,.{digits}f}%" if signed else f"{value * 100:,.{digits}f}%"
    return _typeset(text)


def number(value: Any, *, digits: int = 2, signed: bool = False) -> str:
    """Write a number; a dash where it is not defined."""
    if not _is_number(value):
        return DASH
    return _typeset(f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}")


def money(value: Any, *, digits: int = 0, signed: bool = False) -> str:
    """Write an amount without its currency, which stands in the header."""
    return number(value, digits=digits, signed=signed)


def signed_cell(value: Any, text: str) -> Markup:
    """Return text coloured by the sign of its value; the sign itself stays readable."""
    if not _is_number(value) or not any(sign in text for sign in "123456789"):
        return el("span", text)
    return el("span", text, class_="up" if value > 0 else "down")


def day(value: Any) -> str:
    """Write a day: nanoseconds, datetime or text."""
    if value is None:
        return DASH
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, str):
        return value
    return from_ns(int(value)).strftime("%Y-%m-%d")


def moment(value: Any, *, intraday: bool) -> str:
    """Write a day, with the UTC time where bars are shorter than a day."""
    if intraday and isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return day(value)


def anything(value: Any) -> str:
    """Write a value of unknown kind, as in a table of a study."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _typeset(f"{value:,}")
    if isinstance(value, float):
        return number(value, digits=4 if abs(value) < 1 else 2)
    return str(value)


SCORES = {
    "accuracy": "Accuracy",
    "hit_rate": "Hit rate",
    "ic": "Information coefficient",
    "in_sample_return": "In-sample return",
    "in_sample_sharpe": "In-sample Sharpe",
    "ic_t": "t of the IC",
    "mse": "Mean squared error",
    "mse_zero": "MSE of zero",
    "n": "Rows",
    "r2_zero": "R² against zero",
}
"""Names of model scores for people; others are written as they are."""


def score_name(key: str) -> str:
    """Return the name of a model score for people.

    Examples
    --------
    >>> score_name("hit_rate"), score_name("my_score")
    ('Hit rate', 'my score')
    """
    return SCORES.get(key, key.replace("_", " "))


def score(value: Any) -> str:
    """Write a model score: whole numbers whole, others with three digits."""
    if isinstance(value, float) and value.is_integer() and abs(value) >= 10:
        return number(value, digits=0)
    return number(value, digits=3) if _is_number(value) else anything(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _typeset(text: str) -> str:
    if not any(sign in text for sign in "123456789"):  # no minus zero
        text = text.replace("-", "").replace("+", "")
    return text.replace("-", "−").replace(",", THIN)
