"""Finished fits are read back to the bit, and what is damaged is made again."""

import numpy as np
import pytest
from test_walk_forward import SCHEME, plant

from tradewright.domain.errors import CancelledError
from tradewright.training.kept_fits import FitFolder
from tradewright.training.walk_forward import FitSettings, fit_predict

KINDS = [("ridge", False), ("lightgbm", False), ("logistic", True)]


def walk(table, labels, model, keeper=None, progress=None):
    parameters = {"rounds": 20} if model == "lightgbm" else {}
    settings = FitSettings(model=model, parameters=parameters, controls=2)
    return fit_predict(
        table, labels, settings=settings, scheme=SCHEME, keeper=keeper, progress=progress
    )


def equal(first, second) -> bool:
    panels = zip(
        (first.forecasts, *first.shuffled), (second.forecasts, *second.shuffled), strict=True
    )
    for one, other in panels:
        np.testing.assert_array_equal(one.mean, other.mean)
        np.testing.assert_array_equal(one.sd, other.sd)
        if one.probability_up is not None:
            np.testing.assert_array_equal(one.probability_up, other.probability_up)
    facts = [[(f.window, f.train_last_row, f.n_train, f.features, str(f.scores)) for f in r.folds]
             for r in (first, second)]  # fmt: skip
    return facts[0] == facts[1] and str(first.controls) == str(second.controls)


@pytest.mark.parametrize(("model", "classes"), KINDS)
def test_a_stopped_walk_goes_on_from_its_fits_and_is_the_same(tmp_path, model, classes) -> None:
    table, labels = plant(classes=classes)
    whole = walk(table, labels, model)

    def stop(fraction: float, message: str) -> None:
        if fraction > 0.5:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        walk(table, labels, model, FitFolder(tmp_path), stop)
    kept = len(list(tmp_path.glob("window-*")))
    assert 8 <= kept < 15
    keeper = FitFolder(tmp_path)
    again = walk(table, labels, model, keeper)
    assert keeper.found == kept
    assert equal(whole, again)
    for one, other in zip(whole.folds, again.folds, strict=True):
        first = one.model.save(tmp_path / f"a{one.window.index}")
        assert first == other.model.save(tmp_path / f"b{one.window.index}")


def test_a_damaged_or_unfinished_fit_is_made_again(tmp_path) -> None:
    table, labels = plant()
    whole = walk(table, labels, "ridge", FitFolder(tmp_path))
    (tmp_path / "window-0-control-0" / "fit.json").write_text("{")
    (tmp_path / "window-1-control-1" / "arrays.npz").write_bytes(b"no archive")
    for file in (tmp_path / "window-2-control-0" / "model").iterdir():
        file.write_bytes(b"")
    (tmp_path / "unfinished-x").mkdir()
    keeper = FitFolder(tmp_path)
    assert equal(whole, walk(table, labels, "ridge", keeper))
    assert keeper.found == 12
    keeper.clear()
    assert not tmp_path.exists()


def test_a_disk_that_refuses_does_not_stop_the_walk(tmp_path) -> None:
    table, labels = plant()
    file = tmp_path / "file"
    file.write_text("no folder")
    assert equal(walk(table, labels, "ridge"), walk(table, labels, "ridge", FitFolder(file / "x")))
