"""A study on prices as traded: it learns from comparable prices and trades the real ones."""

from dataclasses import replace

import numpy as np
import pytest
from planted_market import planted_bars

from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.services.runs import Run
from tradewright.services.studies import Study
from tradewright.services.study.loading import load_data

SPLIT_AT = 500


def test_a_study_trades_through_a_split_as_if_there_were_none(space, planted_page):
    smooth = planted_bars(0.9)
    factor = np.ones(smooth.close.shape)
    factor[:SPLIT_AT, 0] = 3.0  # AAA was divided by three
    prices = {name: getattr(smooth, name) * factor for name in ("open", "high", "low", "close")}
    raw = replace(smooth, **prices, volume=smooth.volume / factor, source="raw", data_version="")
    day = smooth.times[SPLIT_AT].astype("datetime64[D]").item()
    split = CorporateAction("AAA", ActionKind.SPLIT, day, 3.0, source="raw")
    now = space.clock.now_ns()
    space.bars.write(smooth, ts_known=now)
    space.bars.write(raw, ts_known=now)
    space.bars.write_actions([split])
    assert space.bars.read_actions() == (split,)
    page = {**planted_page, "validation": {**planted_page["validation"], "controls": 1}}
    wanted = Study.from_mapping(page).run(space)
    page["data"] = {"source": "raw", "adjust": "none"}
    study = Study.from_mapping(page)
    data = load_data(study.page, space)
    assert data.everything.actions == (split,)
    assert data.traded.close == pytest.approx(smooth.close)
    run = study.run(space)
    assert run.extras.health.ok is True
    assert run.fills["time"].to_list() == wanted.fills["time"].to_list()
    assert run.metrics["total_return"] == pytest.approx(wanted.metrics["total_return"], abs=1e-4)
    again = Run.load(run.run_id, space)
    assert again.actions.to_dicts() == run.actions.to_dicts()
    assert again.bars.actions == (split,)
