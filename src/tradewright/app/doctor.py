"""Checks of an installation, each with the way to mend it."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tradewright.app.settings import Settings
from tradewright.domain.errors import TradewrightError

PACKAGE = "tradewright"
COMPILED = (
    "numpy",
    "polars",
    "pyarrow",
    "numba",
    "scipy",
    "sklearn",
    "lightgbm",
    "xgboost",
    "talib",
)
"""Libraries with compiled parts, which can be installed and still not load."""

DEVELOPMENT = ("dev", "peers")
"""Extras that nobody needs to use the program."""

MIN_FREE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Check:
    """One finding.

    Parameters
    ----------
    name : str
        What was looked at.
    state : str
        ``ok``, ``optional`` (missing, and not needed for the main job) or ``failed``.
    found : str
        What was there.
    fix : str
        What to type when it is not ok.
    """

    name: str
    state: str
    found: str
    fix: str = ""


def examine(values: Settings, *, symbol: str | None = None) -> Iterator[Check]:
    """Yield every check in order.

    Parameters
    ----------
    values : Settings
        The settings in force.
    symbol : str, optional
        Also report the last stored bar of this symbol.
    """
    yield _python()
    requirements = _requirements()
    yield _libraries(requirements)
    yield _loading(COMPILED)
    yield from _extras(requirements)
    yield _data_dir(values.paths.data_dir)
    yield _free_disk(values.paths.data_dir)
    yield _guarded("database", _database, "move the file aside and start again, or restore it")
    yield _guarded("sample data", _sample, "install the package again: its data are damaged")
    yield _compiled_code()
    yield _web_page()
    yield _port(values.api.host, values.api.port)
    if symbol:
        yield _guarded(
            f"stored bars of {symbol}",
            lambda: _last_bar(symbol),
            f"tradewright data fetch --symbols {symbol}",
        )


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    return Check("Python", "ok" if good else "failed", found, "" if good else "install Python 3.11")


def _requirements() -> dict[str, list[str]]:
    """Return the libraries by extra, as the installed package names them; the core is ``""``."""
    found: dict[str, list[str]] = {"": []}
    for text in importlib.metadata.requires(PACKAGE) or ():
        name, extra = re.match(r"[\w.-]+", text), re.search(r"""extra == ["']([^"']+)""", text)
        if name is not None:
            found.setdefault(extra[1] if extra else "", []).append(name[0])
    return found


def _missing(names: Iterable[str]) -> list[str]:
    missing = []
    for name in names:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    return missing


def _libraries(requirements: Mapping[str, Sequence[str]]) -> Check:
    core = requirements[""]
    missing = _missing(core)
    if missing:
        return Check("libraries", "failed", f"missing: {', '.join(missing)}", "make setup")
    return Check("libraries", "ok", f"{len(core)} of {len(core)} present")


def _loading(modules: Iterable[str]) -> Check:
    broken = []
    for name in modules:
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as error:
            reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
            broken.append(f"{name}: {reason}")
    if broken:
        fix = (
            "install the system library it names (libgomp1 for libgomp.so.1), or: make clean setup"
        )
        return Check("compiled parts", "failed", "; ".join(broken), fix)
    return Check("compiled parts", "ok", "every library loads")


def _extras(requirements: Mapping[str, Sequence[str]]) -> Iterator[Check]:
    for extra, names in requirements.items():
        if not extra or extra in DEVELOPMENT:
            continue
        missing = _missing(names)
        yield Check(
            f"extra {extra}",
            "optional" if missing else "ok",
            f"{', '.join(missing)} not installed" if missing else f"{', '.join(names)} present",
            f"pip install 'tradewright[{extra}]'" if missing else "",
        )


def _data_dir(folder: Path) -> Check:
    place = folder.expanduser().resolve()
    fix = "give a writable folder: --data-dir DIR or DATA_DIR"
    if place.exists() and not place.is_dir():
        return Check("data directory", "failed", f"{place} is a file, not a folder", fix)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(b"tradewright")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return Check("data directory", "failed", f"{place}: {error.strerror}", fix)
    return Check("data directory", "ok", str(place))


def _free_disk(folder: Path) -> Check:
    place = folder.expanduser().resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    enough = free >= MIN_FREE_BYTES
    found = f"{free / 2**30:.1f} GiB free"
    return Check("disk", "ok" if enough else "failed", found, "" if enough else "free 1 GiB")


def _guarded(name: str, look: Callable[[], str], fix: str) -> Check:
    try:
        return Check(name, "ok", look())
    except (TradewrightError, OSError) as error:
        return Check(name, "failed", str(error), fix)


def _database() -> str:
    from tradewright.app.bootstrap import open_workspace

    count = len(open_workspace().runs.list_runs(limit=500))
    return f"opens, {count} stored runs"


def _sample() -> str:
    from tradewright.marketdata import sample_bars

    bars = sample_bars()
    return f"{bars.n_instruments} instruments, {bars.n_bars} sessions"


def _last_bar(symbol: str) -> str:
    from tradewright.app.bootstrap import open_workspace
    from tradewright.domain.time import from_ns

    rows = [row for row in open_workspace().bars.list_series() if row.symbol == symbol.upper()]
    if not rows:
        raise TradewrightError("nothing stored")
    return ", ".join(
        f"{row.source} {row.interval} to {from_ns(row.last_ts):%Y-%m-%d}" for row in rows
    )


def _compiled_code() -> Check:
    from tradewright import simulation

    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or Path(simulation.__file__).parent)
    if os.access(folder, os.W_OK):
        return Check("compiled code", "ok", "cached between runs")
    return Check(
        "compiled code",
        "optional",
        f"{folder} is not writable: compiled again in every process",
        "set NUMBA_CACHE_DIR to a writable folder",
    )


def _web_page() -> Check:
    from tradewright import api

    built = (Path(api.__file__).parent / "ui" / "index.html").is_file()
    return Check(
        "web page",
        "ok" if built else "optional",
        "built" if built else "not built",
        "" if built else "make ui",
    )


def _port(host: str, port: int) -> Check:
    name = f"port {port}"
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Check(
                name,
                "optional",
                f"{host}:{port}: {error.strerror}",
                "serve elsewhere: tradewright serve --port 8001",
            )
    return Check(name, "ok", f"{host} is free")
