"""Which workers run the sets of a sweep: a cluster where one is named, else this machine."""

from __future__ import annotations

import os
from collections.abc import Callable

from tradewright.domain.errors import ConfigError
from tradewright.ports.crew import Crew

_opener: Callable[[str | None], Crew | None] | None = None


def use_cluster(opener: Callable[[str | None], Crew | None]) -> None:
    """Tell how a cluster is reached; called once by the composition root.

    Parameters
    ----------
    opener : callable
        ``opener(address)`` gives the crew of a cluster; with None that of the settings, or None
        where they name none.
    """
    global _opener  # noqa: PLW0603
    _opener = opener


def crew_for(workers: int | None, ray_address: str | None) -> Crew | None:
    """Return the crew that was asked for; None where nobody asked.

    Parameters
    ----------
    workers : int or None
        Processes of this machine; 1 is this process itself. They are preferred over a cluster
        that only the settings name.
    ray_address : str or None
        Address of a Ray cluster.

    Raises
    ------
    ConfigError
        If `workers` is below 1, or a cluster was named that cannot be reached from here.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"workers is {workers}, wanted at least 1")
    if ray_address is not None and _opener is None:
        raise ConfigError("no cluster: import tradewright, or call sweeping.crews.use_cluster")
    if ray_address is not None or workers is None:
        found = None if _opener is None else _opener(ray_address)
        if found is not None:
            return found
    if workers is None or workers == 1:
        return None
    from tradewright.services.sweeping.pool import ProcessCrew

    return ProcessCrew(workers)


def cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1
