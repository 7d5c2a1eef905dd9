"""Escaping, numbers, ticks."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import numpy as np
import pytest

from tradewright.reports.charts.scales import Scale, log_ticks, thin, ticks, time_ticks
from tradewright.reports.markup import Markup, data_script, el, join
from tradewright.reports.numbers import money, number, percent

HOSTILE = "<script>alert('x')</script>\"&"


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [value for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_text_and_attributes_are_escaped() -> None:
    reader = Reader()
    reader.feed(el("p", HOSTILE, [HOSTILE], title=HOSTILE))
    assert reader.tags == ["p"]
    assert "".join(reader.texts) == HOSTILE * 2
    assert reader.attributes == [HOSTILE]


def test_markup_is_kept_and_none_left_out() -> None:
    inner = el("b", 1)
    assert join((inner, None, "<")) == "<b>1</b>&lt;"
    assert el("i", None, hidden=True, id=None, data_x=False) == "<i hidden></i>"
    assert isinstance(inner, Markup)


def test_embedded_data_cannot_end_its_element() -> None:
    import json

    made = data_script("d", [HOSTILE])
    reader = Reader()
    reader.feed(made)
    assert reader.tags == ["script"]
    assert json.loads("".join(reader.texts)) == [HOSTILE]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0.1234, "+12.3%"),
        (-0.1234, "−12.3%"),
        (-0.0001, "0.0%"),
        (math.nan, "–"),
        (12.0, "+1\u2009200.0%"),
    ],
)
def test_percent_is_signed_without_a_minus_zero(value: float, wanted: str) -> None:
    assert percent(value, signed=True) == wanted


def test_numbers_have_a_true_minus_and_thin_spaces() -> None:
    assert number(-1234.5) == "−1\u2009234.50"
    assert money(1234567, signed=True) == "+1\u2009234\u2009567"
    assert number(math.inf) == "–"


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.7, 12.9), (0.00012, 0.0009), (5, 5e6)])
def test_ticks_are_round_even_and_inside(low: float, high: float) -> None:
    marks = ticks(low, high)
    assert 3 <= len(marks) <= 11
    assert all(low <= mark <= high for mark in marks)
    steps = np.diff(marks)
    assert np.allclose(steps, steps[0])
    assert f"{steps[0]:.4e}"[0] in "125"


def test_log_ticks_are_inside_and_rise() -> None:
    for low, high in ((0.5, 4.0), (0.9, 1.4), (1.0, 900.0)):
        marks = log_ticks(low, high)
        assert len(marks) >= 3
        assert marks == sorted(marks)
        assert all(low <= mark <= high for mark in marks)


def test_dates_on_the_axis_are_round() -> None:
    first, last = (np.datetime64(text, "ns").astype("i8") for text in ("2005-02-25", "2017-11-10"))
    labels = [label for _, label in time_ticks(int(first), int(last))]
    assert labels == ["2006", "2008", "2010", "2012", "2014", "2016"]


def test_thinning_keeps_the_ends_and_every_extreme() -> None:
    values = np.random.default_rng(1).normal(size=50_000)
    values[12_345], values[40_001] = 99.0, -99.0
    rows = thin(len(values), values, most=100)
    assert {0, 12_345, 40_001, 49_999} <= set(rows.tolist())
    assert len(rows) <= 202
    assert (np.diff(rows) > 0).all()


def test_log_scale_gives_equal_ratios_equal_room() -> None:
    scale = Scale(1.0, 100.0, 200.0, 0.0, is_log=True)
    assert scale(np.array([1.0, 10.0, 100.0])).tolist() == pytest.approx([200.0, 100.0, 0.0])
