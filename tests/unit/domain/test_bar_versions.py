"""What the version of bars says: equal content, equal version; a cut is of the same data."""

from dataclasses import replace

import numpy as np
import pytest

from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.instruments import Instrument

DAY = 86_400_000_000_000


def make_bars(close: float = 10.0, *, symbols: tuple[str, ...] = ("A", "B"), **given: str) -> Bars:
    fields = {name: np.full((5, len(symbols)), close) for name in FIELDS}
    ts = np.arange(1, 6) * DAY
    return Bars(tuple(Instrument(s) for s in symbols), ts, **fields, **given)


def test_equal_content_has_an_equal_version_and_any_other_another() -> None:
    bars = make_bars()
    assert bars.data_version == make_bars().data_version
    later = replace(bars, ts=bars.ts + DAY, data_version="")
    thinner = replace(bars, volume=bars.volume + 1, data_version="")
    others = [make_bars(11.0), make_bars(symbols=("A", "C")), later, thinner]
    versions = {bars.data_version, *(other.data_version for other in others)}
    assert len(versions) == 5
    assert all(len(version) == 32 for version in versions)


def test_a_cut_keeps_the_version_whether_or_not_it_was_asked_for_before() -> None:
    asked, unasked = make_bars(), make_bars()
    assert asked.data_version
    cuts = [asked.select(["B"]), unasked.select(["B"]), unasked.rows(1, 3), unasked.between(DAY)]
    assert {cut.data_version for cut in cuts} == {make_bars().data_version}


def test_a_given_version_is_kept() -> None:
    assert make_bars(data_version="v7").rows(0, 2).data_version == "v7"


def test_bars_have_no_other_attribute_made_on_demand() -> None:
    with pytest.raises(AttributeError, match="data_versions"):
        _ = make_bars().data_versions
