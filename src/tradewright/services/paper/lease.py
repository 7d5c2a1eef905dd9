"""Who runs a session: a lock that ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from tradewright.domain.errors import EdgeError, RefusedError


class Lease:
    """The right to run paper sessions in a data directory; one process has it at a time.

    Parameters
    ----------
    folder : Path
        ``DATA_DIR/paper``; made when missing.

    Notes
    -----
    The operating system drops the lock when the process is killed, so that a session can never
    look alive after a crash, and never has two owners.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "session.lock"
        self._handle: Any = None

    def take(self, session_id: str) -> None:
        """Take the lease for a session.

        Raises
        ------
        RefusedError
            If another session runs, naming it and its process.
        EdgeError
            If the folder cannot be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = self._path.open("a+")
        except OSError as error:
            raise EdgeError(f"paper: {self._path}: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            owner = self.owner()
            raise RefusedError(
                f"paper session {owner.get('session', '?')} runs already in process "
                f"{owner.get('pid', '?')}; end it first: tradewright paper stop"
            ) from None
        handle.truncate(0)
        handle.write(json.dumps({"session": session_id, "pid": os.getpid()}))
        handle.flush()
        self._handle = handle

    def release(self) -> None:
        """Give the lease back."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def owner(self) -> dict[str, Any]:
        """Return session and process of whoever wrote the lease last; empty if nobody did."""
        try:
            found = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def is_held(self, session_id: str) -> bool:
        """Return whether a living process runs this session."""
        if self.owner().get("session") != session_id:
            return False
        with self._path.open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        return False
