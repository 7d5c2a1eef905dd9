"""Assumptions in words: every setting that a backtest may have can be told."""

from dataclasses import asdict
from itertools import product

from tradewright.domain.rules import INTRABAR, LIMIT_TOUCH, ON_INSUFFICIENT, FillRules
from tradewright.services.results.costing.assumed import rules_in_words


def test_every_choice_of_the_fill_rules_has_words_of_its_own() -> None:
    told = {
        rules_in_words(asdict(FillRules(intrabar=path, limit_touch=touch, on_insufficient=short)))
        for path, touch, short in product(INTRABAR, LIMIT_TOUCH, ON_INSUFFICIENT)
    }
    assert len(told) == len(INTRABAR) * len(LIMIT_TOUCH) * len(ON_INSUFFICIENT)
