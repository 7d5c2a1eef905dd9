"""``tradewright study tune`` from the command line."""

import json

WORDS = ("study", "tune", "ridge", "--set", "validation.controls=2")


def test_tuning_prints_its_choice_and_the_verdict_counts_it(tradewright) -> None:
    space = ("--space", "model.params.alpha=1,100", "--space", "decision.top_k=2:4:2")
    code, out, err = tradewright(*WORDS, *space, "--search", "grid", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert len(told["trials"]) == 4
    assert set(told["best"]) == {"model.params.alpha", "decision.top_k"}
    code, out, _ = tradewright("report", "show", told["run_id"], "--json")
    assert json.loads(out)["trials"] == 5


def test_wrong_settings_are_misuse(tradewright) -> None:
    code, _, err = tradewright(*WORDS, "--space", "labels.horizon=5,10")
    assert code == 2
    assert "labels.horizon cannot be tuned" in err
    code, _, err = tradewright(*WORDS, "--space", "decision.top_k=0,2")
    assert code == 2
    assert "top_k" in err
    code, _, err = tradewright(*WORDS, "--space", "decision.top_k=2,4", "--search", "magic")
    assert code == 2
    assert "wanted grid, random:N or optuna:N" in err
