"""Durable files: a lock between writers, and writes that are whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tradewright.domain.errors import EdgeError


@contextmanager
def writer_lock(path: Path) -> Iterator[None]:
    """Hold the one writer's lock of a store; other processes and threads wait.

    The lock belongs to an open file, so that it ends with the process that holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as handle:
        _lock(handle.fileno())
        yield


def _lock(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def write_whole(path: Path, fill: Callable[[Path], None]) -> None:
    """Write a file aside, make it durable and rename it into place.

    Parameters
    ----------
    path : Path
        Where the file appears, whole, or not at all.
    fill : callable
        Writes the content to the path it is given.

    Raises
    ------
    EdgeError
        If the disk is full or not writable; the file aside is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        fill(aside)
        _sync(aside)
        os.replace(aside, path)
        _sync(path.parent)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise EdgeError(f"{path}: cannot be written: {error.strerror or error}") from error
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
