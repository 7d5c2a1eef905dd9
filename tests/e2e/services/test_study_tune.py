"""Tuning sees nothing after the first training window, and all it tried is counted."""

from dataclasses import replace

import numpy as np
import pytest
from planted_market import planted_bars

from tradewright.domain.bars import FIELDS
from tradewright.domain.errors import CancelledError, ConfigError
from tradewright.services.studies import Study

SPACE = {"model.params.alpha": [0.1, 10.0, 1000.0], "decision.top_k": [1, 2]}


@pytest.fixture
def study(space, planted_page) -> Study:
    space.bars.write(planted_bars(0.9), ts_known=space.clock.now_ns())
    return Study.from_mapping(
        {**planted_page, "validation": {**planted_page["validation"], "controls": 0}}
    )


def test_the_choice_is_run_and_every_set_counts_in_its_verdict(study, space) -> None:
    found = study.tune(SPACE, search="grid", workspace=space)
    assert found.table.columns == [*SPACE, "sharpe", "total_return"]
    assert len(found.table) == 6
    top = found.table.sort("sharpe", descending=True).row(0, named=True)
    assert found.best == {name: top[name] for name in SPACE}
    assert found.run.config["model"]["params"]["alpha"] == found.best["model.params.alpha"]
    assert found.run.config["decision"]["top_k"] == found.best["decision.top_k"]
    assert found.run.n_trials == 7
    assert found.sentence in found.run.extras.notes
    plain = study.run(space, changes=found.best, save=False)
    assert plain.digest == found.run.digest


def test_what_comes_after_the_first_training_window_changes_nothing(study, space, tmp_path) -> None:
    before = study.tune(SPACE, search="grid", workspace=space, save=False)
    bars = planted_bars(0.9)
    cut = 252 + 30  # warm-up and training
    later = np.random.default_rng(1).uniform(0.5, 2.0, (bars.n_bars - cut, 1)).cumprod(axis=0)
    scale = np.vstack([np.ones((cut, 1)), np.clip(later, 0.2, 5.0)])
    fields = {name: getattr(bars, name) * (1 if name == "volume" else scale) for name in FIELDS}
    other = replace(space, bars=type(space.bars)(tmp_path / "other"))
    other.bars.write(replace(bars, **fields, data_version="other"),
                     ts_known=space.clock.now_ns())  # fmt: skip
    after = study.tune(SPACE, search="grid", workspace=other, save=False, allow_unhealthy=True)
    assert after.table.equals(before.table)
    assert after.run.digest != before.run.digest


def test_a_search_is_repeatable_and_goes_on_after_a_stop(study, space) -> None:
    whole = study.tune(SPACE, search="optuna:5", workspace=space, save=False)

    def stop(fraction: float, message: str) -> None:
        if message.startswith("trials: 3"):
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        study.tune(SPACE, search="optuna:5", workspace=space, progress=stop, save=False)
    (journal,) = (space.data_dir / "walks").glob("tune-*.jsonl")
    assert len(journal.read_text().splitlines()) == 4
    again = study.tune(SPACE, search="optuna:5", workspace=space, resume=True, save=False)
    assert again.table.equals(whole.table)
    assert not journal.exists()


@pytest.mark.parametrize(
    ("space_", "part"),
    [
        ({}, "no settings to choose"),
        ({"validation.training_days": [100]}, "wanted settings of model or decision"),
        ({"decision.topk": [3]}, "top_k"),
        ({"decision.top_k": []}, "no values for decision.top_k"),
    ],
)
def test_what_cannot_be_tuned_is_named(study, space, space_, part) -> None:
    with pytest.raises(ConfigError, match=part):
        study.tune(space_, workspace=space)


def test_a_first_window_too_short_to_choose_in_is_refused(study, space) -> None:
    short = study.with_settings({"validation.training_days": 60})
    with pytest.raises(ConfigError, match="first training window has 60 rows, wanted 90"):
        short.tune(SPACE, workspace=space)
