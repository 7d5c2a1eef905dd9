"""How a sweep chooses its sets: all, some at random, or by a search that learns."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np

from tradewright.domain.errors import ConfigError

BATCH: Final = 16
"""Sets that a search proposes before it looks at their results."""


class Tester(Protocol):
    """What evaluates sets."""

    total: int

    def test(self, sets: Iterable[dict[str, Any]]) -> list[float]:
        """Run sets; return the Sharpe ratio of each, NaN where it has none."""
        ...


def product_sets(values: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Yield every set of a grid, the last parameter fastest."""
    for chosen in itertools.product(*values.values()):
        yield dict(zip(values, chosen, strict=True))


def count_of(search: str, text: str) -> int:
    """Return the number of trials that a search such as ``random:100`` names.

    Raises
    ------
    ConfigError
        If it names none.
    """
    if not text.isdigit() or int(text) < 1:
        raise ConfigError(f"search is {search!r}, wanted a number of trials, as in random:100")
    return int(text)


def random_sets(tester: Tester, values: dict[str, list[Any]], count: int, seed: int) -> None:
    """Test `count` different sets of a grid, drawn with equal chances."""
    total = math.prod(len(given) for given in values.values())
    tester.total = count = min(count, total)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(total, size=count, replace=False))
    tester.test(_numbered(values, int(number)) for number in chosen)


def _numbered(values: dict[str, list[Any]], number: int) -> dict[str, Any]:
    chosen = {}
    for name in reversed(values):
        number, at = divmod(number, len(values[name]))
        chosen[name] = values[name][at]
    return {name: chosen[name] for name in values}


def searched_sets(tester: Tester, values: dict[str, list[Any]], count: int, seed: int) -> None:
    """Test `count` sets that a search (TPE) proposes from the results of those before."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    spaces: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.IntDistribution(0, len(given) - 1)
        for name, given in values.items()
    }
    asked = 0
    while asked < count:
        trials = [study.ask(spaces) for _ in range(min(BATCH, count - asked))]
        asked += len(trials)
        sets = [{name: values[name][trial.params[name]] for name in values} for trial in trials]
        for trial, ratio in zip(trials, tester.test(sets), strict=True):
            if math.isfinite(ratio):
                study.tell(trial, ratio)
            else:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
