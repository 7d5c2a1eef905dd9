"""Files of a model: JSON, NPZ without objects and library text; never anything that runs code.

A folder holds ``model.json`` (type, settings, features, and the hash of every other file) and the
files it names. Everything is judged by content before a parser of another library sees it.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ModelError

FORMAT: Final = "tradewright-model/1"
MAIN: Final = "model.json"
MAX_DOCUMENT_BYTES: Final = 4 << 20
MAX_FILE_BYTES: Final = 512 << 20
_NAME: Final = re.compile(r"^(member[0-9]{1,2}\.)*[a-z]{1,16}\.(json|npz|txt)$")
_FOREIGN: Final = (
    (b"\x1f\x8b", "gzip (joblib)"),
    (b"\x78\x9c", "zlib (joblib)"),
    (b"\x78\xda", "zlib (joblib)"),
    (b"\x78\x01", "zlib (joblib)"),
    (b"BZh", "bzip2 (joblib)"),
    (b"\xfd7zXZ", "xz (joblib)"),
    (b"\x04\x22\x4d\x18", "lz4 (joblib)"),
    (b"\x89HDF", "HDF5"),
    (b"\x93NUMPY", "a bare NPY array"),
    (b"#!", "a script"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_KEYS: Final = ("type", "settings", "features", "classes", "residual_sd", "n_rows", "files")


def write_model(folder: Path, document: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    """Write a model folder so that it appears whole or not at all.

    Parameters
    ----------
    folder : Path
        New folder; its parent is made when missing.
    document : mapping
        The content of ``model.json`` without the list of files.
    files : mapping of str to bytes
        Content by name.

    Returns
    -------
    str
        SHA-256 of ``model.json``, which holds the hash of every other file.

    Raises
    ------
    ModelError
        If the folder exists.
    """
    if folder.exists():
        raise ModelError(f"{folder} exists; a stored model is never overwritten")
    folder.parent.mkdir(parents=True, exist_ok=True)
    full = {**document, "files": {name: _sha256(data) for name, data in sorted(files.items())}}
    main = json.dumps(full, indent=1, sort_keys=True, allow_nan=False).encode()
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, data in {**files, MAIN: main}.items():
            (aside / name).write_bytes(data)
        aside.chmod(0o755)
        os.rename(aside, folder)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise ModelError(f"{folder}: the model could not be written: {error}") from error
    return _sha256(main)


def read_model(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read and check the files of a model folder.

    Returns
    -------
    tuple of (dict, dict of str to bytes)
        The document and the content of each file it names, hashes verified.

    Raises
    ------
    ModelError
        For a missing, foreign, oversized, linked or changed file.
    """
    document = read_json(_read(folder, MAIN, MAX_DOCUMENT_BYTES), f"{folder / MAIN}")
    if document.get("format") != FORMAT:
        raise ModelError(
            f"{folder / MAIN}: format is {document.get('format')!r}, wanted {FORMAT!r}"
        )
    for key in _KEYS:
        if key not in document:
            raise ModelError(f"{folder / MAIN}: {key!r} is missing")
    _check_document(folder, document)
    files = {}
    for name, wanted in document["files"].items():
        if not _NAME.match(str(name)):
            raise ModelError(f"{folder / MAIN}: file name {name!r} is not allowed")
        data = _read(folder, name, MAX_FILE_BYTES)
        refuse_foreign(data, f"{folder / name}")
        if _sha256(data) != wanted:
            raise ModelError(f"{folder / name}: content differs from the hash in {MAIN}")
        files[name] = data
    return document, files


def content_hash(folder: Path) -> str:
    """Return the identity of a stored model: SHA-256 of its ``model.json``."""
    return _sha256(_read(folder, MAIN, MAX_DOCUMENT_BYTES))


def refuse_foreign(data: bytes, where: str) -> None:
    """Refuse content that runs code when loaded, or that is none of our formats.

    Raises
    ------
    ModelError
        Naming what the content looks like.
    """
    if looks_pickled(data):
        raise ModelError(f"{where}: is a pickle, which runs code when loaded; refused")
    for magic, what in _FOREIGN:
        if data.startswith(magic):
            raise ModelError(f"{where}: is {what}, not a model file of ours; refused")


def looks_pickled(data: bytes) -> bool:
    """Return whether content begins like a pickle of any protocol."""
    head = data[:2]
    if len(head) == 2 and head[0] == 0x80 and head[1] <= 0x20:
        return True
    # Protocols 0 and 1 have no magic: they end with STOP and begin with one of these opcodes.
    return data.rstrip(b"\r\n")[-1:] == b"." and data[:1] in b"(c]}lidpI0FSVNGKMLJTUXq"


def read_json(data: bytes, where: str) -> dict[str, Any]:
    """Parse a JSON object strictly.

    Raises
    ------
    ModelError
        If the content is foreign, not UTF-8, not JSON, or not an object.
    """
    refuse_foreign(data, where)
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ModelError(f"{where}: is not JSON: {str(error)[:120]}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{where}: is a JSON {type(value).__name__}, wanted an object")
    return value


def write_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return arrays as the bytes of an NPZ file; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in sorted(arrays.items()):
            part = io.BytesIO()
            np.lib.format.write_array(part, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), part.getvalue())
    return buffer.getvalue()


def read_arrays(data: bytes, wanted: Mapping[str, str], where: str) -> dict[str, NDArray[Any]]:
    """Read exactly the named arrays from the bytes of an NPZ file.

    Parameters
    ----------
    data : bytes
        The file.
    wanted : mapping of str to str
        Data type of each array, for example ``float64``.
    where : str
        The file's name, for messages.

    Raises
    ------
    ModelError
        If the archive holds other entries, compressed or oversized ones, objects or other types.
    """
    refuse_foreign(data, where)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            names = sorted(entry.filename for entry in entries)
            if names != sorted(f"{name}.npy" for name in wanted):
                raise ModelError(f"{where}: holds {names[:6]}, wanted {sorted(wanted)}")
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise ModelError(f"{where}: has compressed entries; refused")
            if sum(entry.file_size for entry in entries) > len(data):
                raise ModelError(f"{where}: entries are larger than the file; refused")
            arrays = {name: _read_array(archive.read(f"{name}.npy")) for name in wanted}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, KeyError) as error:
        raise ModelError(f"{where}: is not an NPZ of plain arrays: {error}") from error
    for name, dtype in wanted.items():
        if arrays[name].dtype != np.dtype(dtype):
            raise ModelError(f"{where}: {name} is {arrays[name].dtype}, wanted {dtype}")
    return arrays


def _read_array(data: bytes) -> NDArray[Any]:
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("NPY version is not 1.0")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    # Checked before an array is made: a header may claim more than memory holds.
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data) - stream.tell():
        raise ValueError(f"header claims {shape} of {dtype}")
    stream.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def _read(folder: Path, name: str, limit: int) -> bytes:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise ModelError(f"{path}: is not a regular file" if path.exists() else f"{path}: missing")
    size = path.stat().st_size
    if size > limit:
        raise ModelError(f"{path}: {size} bytes, at most {limit} are read")
    return path.read_bytes()


def _check_document(folder: Path, document: Mapping[str, Any]) -> None:
    where = folder / MAIN
    kinds = {
        "type": str,
        "settings": dict,
        "features": list,
        "classes": list,
        "residual_sd": int | float,
        "n_rows": int,
        "files": dict,
    }
    for key, kind in kinds.items():
        if not isinstance(document[key], kind):
            raise ModelError(f"{where}: {key!r} is a {type(document[key]).__name__}")
    if not document["features"] or not all(isinstance(n, str) for n in document["features"]):
        raise ModelError(f"{where}: 'features' must be a list of names")
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in document["classes"]):
        raise ModelError(f"{where}: 'classes' must be a list of integers")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"the constant {name}")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
