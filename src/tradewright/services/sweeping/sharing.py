"""Send a function and its data to other processes: large arrays lie in files that all of them map.

What is sent is written once, whatever the number of workers. A worker that maps an array reads the
pages that another worker has read already, so that ten workers need no more memory for the bars
than one.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any, Final

import cloudpickle
import numpy as np

from tradewright.domain.errors import ConfigError

SHARED_FROM: Final = 65_536
"""Bytes from which an array is mapped instead of copied."""
FILE: Final = "work.pickle"


class _Packer(cloudpickle.CloudPickler):
    def __init__(self, file: Any, folder: Path) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._folder = folder
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []  # alive while names are by id

    def persistent_id(self, thing: Any) -> str | None:
        """Return the name of the file of a large array."""
        if type(thing) is not np.ndarray or thing.dtype.hasobject or thing.nbytes < SHARED_FROM:
            return None
        if id(thing) not in self._names:
            self._names[id(thing)] = name = f"{len(self._names)}.npy"
            self._kept.append(thing)
            np.save(self._folder / name, thing, allow_pickle=False)
        return self._names[id(thing)]


class _Unpacker(pickle.Unpickler):
    def __init__(self, file: Any, folder: Path) -> None:
        super().__init__(file)
        self._folder = folder
        self._arrays: dict[str, Any] = {}

    def persistent_load(self, name: str) -> Any:
        """Return a mapped array, read-only; the same one for the same name."""
        if name not in self._arrays:
            mapped = np.load(self._folder / name, mmap_mode="r", allow_pickle=False)
            self._arrays[name] = mapped.view(np.ndarray)
        return self._arrays[name]


def pack(work: Any, folder: Path) -> None:
    """Write what workers need into a folder of this user.

    Raises
    ------
    ConfigError
        If it holds something that cannot be sent, such as an open file or a lock.
    """
    file = io.BytesIO()
    try:
        _Packer(file, folder).dump(work)
    except (pickle.PicklingError, TypeError, AttributeError, NotImplementedError) as error:
        raise ConfigError(
            f"sweep: make holds something that cannot be sent to other processes ({error}); "
            "open it inside make, or say workers=1"
        ) from error
    (folder / FILE).write_bytes(file.getvalue())


def unpack(folder: Path) -> Any:
    """Read what `pack` wrote; its arrays are mapped, not copied."""
    return _Unpacker(io.BytesIO((folder / FILE).read_bytes()), folder).load()
