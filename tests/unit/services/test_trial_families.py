"""What a sweep says of its family reaches the verdicts of its runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tradewright.domain.errors import DataError
from tradewright.metrics.trials.overfitting import Overfitting, backtest_overfitting
from tradewright.services.luck.families import known_overfitting, remember_overfitting


@pytest.fixture
def found() -> Overfitting:
    return backtest_overfitting(np.random.default_rng(1).normal(0, 0.01, (64, 9)), blocks=4)


def test_the_sweep_of_most_trials_is_remembered(tmp_path: Path, found: Overfitting) -> None:
    workspace = SimpleNamespace(data_dir=tmp_path)
    assert known_overfitting(workspace, "f") is None
    remember_overfitting(workspace, "f", found)
    remember_overfitting(workspace, "f", replace(found, probability=0.9, n_trials=3))
    assert known_overfitting(workspace, "f") == found.probability
    remember_overfitting(workspace, "f", replace(found, probability=0.7, n_trials=20))
    assert known_overfitting(workspace, "f") == 0.7
    assert known_overfitting(workspace, "other") is None


@pytest.mark.parametrize("text", ["{", "[]", '{"probability": 2, "n_trials": 4}'])
def test_a_damaged_family_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "families").mkdir()
    (tmp_path / "families" / "f.json").write_text(text)
    with pytest.raises(DataError, match=r"f\.json.*sweep again"):
        known_overfitting(SimpleNamespace(data_dir=tmp_path), "f")
