"""A crew on a Ray cluster: what it does and the arrays in it are put there once."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from tradewright.domain.errors import ConfigError, EdgeError, MissingExtraError, TradewrightError
from tradewright.ports.crew import Lost

CONNECT_S: Final = 5.0
"""Seconds in which an address must answer."""
AHEAD: Final = 2
"""Units in flight for each core of the cluster."""
OWN: Final = "local"


class RayCrew:
    """The cores of a Ray cluster.

    Parameters
    ----------
    address : str
        ``host:port`` of its head (or ``ray://host:port`` of its client server), ``auto`` for the
        one that runs on this machine, ``local`` for one of this process alone.

    Raises
    ------
    MissingExtraError
        If Ray is not installed here.

    Notes
    -----
    The cluster's nodes need the same tradewright, Python and Ray. A unit whose worker dies is
    given to another once more by Ray.
    """

    def __init__(self, address: str) -> None:
        # Ray reads it once: tries, a second each, of a port where something else answers.
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "5")
        try:
            import ray  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("ray", "cluster") from error
        self.address = address

    def run(self, work: Callable[[Any], Any], units: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """See `ports.crew.Crew.run`.

        Raises
        ------
        EdgeError
            If the address does not answer within some seconds.
        """
        import ray

        is_ours = self._connect()
        waiting: dict[Any, int] = {}
        try:
            shared = ray.put(work)
            remote = ray.remote(max_retries=1)(_work_on)
            held: Any = ray.cluster_resources()  # type: ignore[no-untyped-call]
            room = AHEAD * max(int(held.get("CPU", 1)), 1)
            source = enumerate(units)
            for number, unit in source:
                waiting[remote.remote(shared, unit)] = number
                if len(waiting) >= room:
                    yield from _finished(waiting)
            while waiting:
                yield from _finished(waiting)
        finally:
            for reference in waiting:
                ray.cancel(reference, force=True)
            if is_ours:
                ray.shutdown()

    def _connect(self) -> bool:
        """Join the cluster unless this process has joined one; return whether we did."""
        import ray

        _knock(self.address)
        if ray.is_initialized():
            return False
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            if self.address == OWN:
                paths = {"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}}
                ray.init(include_dashboard=False, runtime_env=paths, **quiet)
            else:
                ray.init(address=self.address, **quiet)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            raise EdgeError(f"no Ray cluster at {self.address}: {error}") from error
        return True


def _finished(waiting: dict[Any, int]) -> Iterator[tuple[int, Any]]:
    import ray

    done, _ = ray.wait(list(waiting), num_returns=1)
    for reference in done:
        number = waiting.pop(reference)
        yield number, _result(reference)


def _result(reference: Any) -> Any:
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, MemoryError):
            return Lost(f"{cause or 'out of memory'} (on the cluster)")
        if isinstance(cause, TradewrightError):
            raise cause from None
        if isinstance(cause, ray.exceptions.RayError):
            raise ConfigError(
                "sweep: the cluster cannot read what it shall do; has every node the modules that "
                f"make uses? {cause}"
            ) from error
        raise TradewrightError(f"{type(cause).__name__}: {cause}") from error
    except ray.exceptions.RayError as error:
        first = str(error).strip().split("\n", 1)[0]
        return Lost(f"{type(error).__name__} on the cluster: {first} (2 tries)")


def _work_on(work: Callable[[Any], Any], unit: Any) -> Any:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        return work(unit)


def _knock(address: str) -> None:
    # Ray itself tries for minutes before it gives an address up.
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        if address in (OWN, "auto"):
            return
        raise ConfigError(f"ray address is {address!r}, wanted host:port, auto or local")
    if not port.isdigit():
        raise ConfigError(f"ray address is {address!r}, wanted host:port, auto or local")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except OSError as error:
        raise EdgeError(
            f"no Ray cluster at {address}: {error.strerror or error} (waited up to "
            f"{CONNECT_S:g} s); start one with 'ray start --head', or leave the address out"
        ) from error
