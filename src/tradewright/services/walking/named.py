"""Walk-forward of a strategy by name, stored and counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tradewright.domain.bars import Bars
from tradewright.services.results.named import family_of
from tradewright.services.sweeping.journal import sweep_key
from tradewright.services.walking.rules import RuleWalk, walk_forward
from tradewright.training.splits import WalkForward

if TYPE_CHECKING:
    from tradewright.services.walking.walk import Walk
    from tradewright.services.workspace import Workspace

NAMES = {"training_days": "training", "testing_days": "testing", "overlap_days": "overlap",
         "embargo_days": "embargo"}  # fmt: skip


def walk_named(
    workspace: Workspace,
    strategy: str,
    bars: Bars,
    grid: Mapping[str, Sequence[Any]],
    *,
    windows: Mapping[str, Any] | None = None,
    search: str = "grid",
    progress: Callable[[float, str], None] | None = None,
    resume: bool = False,
) -> Walk:
    """Walk a strategy of the catalogue forward; the stitched run is stored, each set counted.

    Parameters
    ----------
    workspace : Workspace
        Where run and trials are kept.
    strategy : str
        Name in the catalogue.
    bars : Bars
        The tape.
    grid : mapping of str to sequence
        Values of its parameters; empty walks it with its defaults.
    windows : mapping, optional
        ``scheme, training_days, testing_days, overlap_days, embargo_days, keep_tail``.
    search : str
        See `sweep`.
    progress : callable, optional
        ``progress(fraction, message)``.
    resume : bool
        Go on where the same walk-forward was stopped or killed.

    Returns
    -------
    Walk
        Stored.

    Raises
    ------
    ConfigError
        If the strategy, a parameter or a window setting does not fit.
    """
    from tradewright.strategies import catalogue, create_strategy

    known = catalogue()
    create_strategy(strategy, **{name: values[0] for name, values in grid.items() if values})
    values = dict(grid) or {name: [value] for name, value in known[strategy].parameters.items()}
    given = {NAMES.get(name, name): value for name, value in (windows or {}).items()}
    key = sweep_key({"strategy": strategy, "values": values, "windows": given, "search": search,
                     "data": bars.data_version})[:16]  # fmt: skip
    journal = workspace.data_dir / "walks" / f"{key}.jsonl"
    if not resume:
        journal.unlink(missing_ok=True)
    walk = walk_forward(
        lambda _bars, **parameters: create_strategy(strategy, **parameters),
        bars,
        values,
        settings=RuleWalk(scheme=WalkForward(**given), search=search),
        name=f"{strategy} walk-forward",
        progress=progress,
        workspace=workspace,
        family=family_of(strategy, bars),
        resume=journal,
    )
    run = walk.run
    run.learn(replace(run.extras, notes=(*run.extras.notes, walk.sentence)))
    run.save(workspace)
    return walk
