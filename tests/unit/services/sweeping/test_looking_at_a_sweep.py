"""Heat map, parallel coordinates, plateaus and the page of a sweep."""

import re

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.errors import ConfigError

BARS = tw.sample_bars(["KO"], start="2015-01-01", end="2016-12-31")


def trend(days: int, late: int) -> tw.Signals:
    up = np.zeros(BARS.close.shape, dtype=bool)
    up[days:] = BARS.close[days:] > BARS.close[:-days]
    up = np.roll(up, late, axis=0)
    up[: days + late] = False
    return tw.Signals(up, ~up)


@pytest.fixture(scope="module")
def found() -> tw.Sweep:
    return tw.sweep(trend, BARS, {"days": [40, 10, 20], "late": [0, 1]})


def test_places_on_an_axis_go_by_size_and_the_best_line_is_last(found) -> None:
    lines = found.parallel()
    assert lines.columns == ["days", "late", "sharpe"]
    places = {(row["days"], row["late"]) for row in lines.to_dicts()}
    assert places == {(days, late) for days in (0.0, 0.5, 1.0) for late in (0.0, 1.0)}
    assert lines["sharpe"].to_list() == sorted(found.table["sharpe"])
    best = found.best
    assert lines.row(-1, named=True)["days"] == {10: 0.0, 20: 0.5, 40: 1.0}[best["days"]]
    returns = found.parallel(figure="total_return")["total_return"]
    assert returns.to_list() == sorted(found.table["total_return"])
    with pytest.raises(ConfigError, match="did you mean 'sharpe'"):
        found.parallel(figure="sharp")


def test_stability_is_what_the_neighbours_keep(found) -> None:
    ratio = {(r["days"], r["late"]): r["sharpe"] for r in found.table.to_dicts()}
    near = {10: (10, 20), 20: (10, 20, 40), 40: (20, 40)}
    for row in found.stability.to_dicts():
        own = (row["days"], row["late"])
        others = [ratio[d, n] for d in near[own[0]] for n in (0, 1) if (d, n) != own]
        assert row["neighbours"] == len(others)
        assert row["neighbour_sharpe"] == pytest.approx(np.mean(others))
        assert row["plateau"] == pytest.approx(np.mean([ratio[own], *others]))
        if ratio[own] > 0:
            share = np.clip(np.mean(others) / ratio[own], 0, 1)
            assert row["stability"] == pytest.approx(share)
        else:
            assert row["stability"] is None
    plateaus = found.stability["plateau"].to_list()
    assert plateaus == sorted(plateaus, reverse=True)


def test_the_page_shows_every_cell_and_line_and_calls_nobody(found, tmp_path) -> None:
    text = found.to_html(tmp_path / "deep" / "sweep.html", title="Trend <of KO>").read_text()
    assert "Trend &lt;of KO&gt;" in text
    assert len(re.findall(r'class="(?:up|down)-cell', text)) == 6
    assert text.count('class="pc ') == 6
    assert text.count("framed") >= 1
    best = found.best
    assert f"days {best['days']}, late {best['late']}: Sharpe" in text
    assert "Plateaus" in text
    assert not re.search(r'(src|href)="http', text)
    assert "default-src 'none'" in text


def test_the_page_of_one_parameter_of_words_and_of_a_set_without_ratio(tmp_path) -> None:
    def hold(what: str) -> tw.Signals:
        flag = np.zeros(BARS.close.shape, dtype=bool)
        flag[5] = what == "something"
        return tw.Signals(flag, flag & False)

    found = tw.sweep(hold, BARS, {"what": ["something", "nothing"]})
    text = found.to_html(tmp_path / "s.html").read_text()
    assert "Sharpe ratio over what" in text
    none = tw.sweep(hold, BARS, {"what": ["nothing"]})
    assert "none of them traded" in none.to_html(tmp_path / "n.html").read_text()


def test_values_without_an_order_are_named(tmp_path) -> None:
    def hold(rows: list[int]) -> tw.Signals:
        flag = np.zeros(BARS.close.shape, dtype=bool)
        flag[rows] = True
        return tw.Signals(flag, flag & False)

    found = tw.sweep(hold, BARS, {"rows": [[5], [6, 7]]})
    with pytest.raises(ConfigError, match="values of rows are lists"):
        found.to_html(tmp_path / "s.html")


def test_a_very_large_sweep_is_drawn_in_part(tmp_path) -> None:
    wide = tw.sweep(trend, BARS, {"days": range(2, 80), "late": range(12)})
    text = wide.to_html(tmp_path / "s.html").read_text()
    assert "of 936 are drawn" in text
    assert len(re.findall(r'class="(?:up|down)-cell', text)) == 26 * 12
    assert text.count('class="pc ') <= 601
    assert len(text) < 400_000
