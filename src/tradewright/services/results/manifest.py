"""What a run was made from, and its identity."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.outcome import Outcome
from tradewright.domain.time import from_ns
from tradewright.version import __version__

if TYPE_CHECKING:
    from tradewright.services.runs import Run

LIBRARIES: Final = ("numpy", "numba", "polars", "scipy", "scikit-learn", "lightgbm", "xgboost-cpu")


def digest_of(outcome: Outcome) -> str:
    """Return the identity of what happened: sha256 over orders, fills, equity and actions.

    Parameters
    ----------
    outcome : Outcome
        The arrays are hashed in little-endian order with their field names; times of day, paths
        and the machine do not enter.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for table in (outcome.orders, outcome.fills):
        digest.update(",".join(table.dtype.names or ()).encode())
        for name in table.dtype.names or ():
            digest.update(np.ascontiguousarray(table[name]).astype("<i8").tobytes())
    digest.update(np.ascontiguousarray(outcome.equity).astype("<i8").tobytes())
    for name in (outcome.effects.dtype.names or ()) if len(outcome.effects) else ():
        digest.update(np.ascontiguousarray(outcome.effects[name]).astype("<i8").tobytes())
    return digest.hexdigest()


def config_hash(config: Any) -> str:
    """Return sha256 of a resolved configuration in canonical JSON (sorted keys, no spaces)."""
    text = json.dumps(config, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def manifest_of(run: Run) -> dict[str, Any]:
    """Return the manifest: given entries first, the rest filled in from the run.

    Returns
    -------
    dict
        ``run_id, name, kind, status, created_at, config, config_hash, seed, data, code_version,
        code_commit, python, platform, libraries, trials, stage_seconds, result_digest``. The id
        is the first 16 digits of sha256 over configuration, data, code version, seed and digest.
    """
    bars, outcome = run.bars, run.outcome
    given = dict(run.given_manifest)
    hashed = given.get("config_hash") or config_hash(run.config)
    version = given.get("data_version") or bars.data_version
    identity = "|".join((hashed, version, __version__, str(run.seed), run.digest))
    span = [from_ns(int(ts)).isoformat() for ts in outcome.ts[[0, -1]]] if len(outcome.ts) else []
    found = {
        "run_id": hashlib.sha256(identity.encode()).hexdigest()[:16],
        "name": run.name,
        "kind": run.kind,
        "status": str(outcome.status),
        "message": outcome.message,
        "created_at": from_ns(run.created_ns).isoformat(),
        "config": run.config,
        "config_hash": hashed,
        "seed": run.seed,
        "data_version": version,
        "data": {
            "symbols": list(bars.symbols),
            "interval": bars.interval,
            "source": bars.source,
            "adjustment": bars.adjustment,
            "first": span[0] if span else None,
            "last": span[1] if span else None,
            "bars": len(outcome.ts),
            "notes": list(bars.notes),
        },
        "code_version": __version__,
        "code_commit": code_commit(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "libraries": library_versions(),
        "trials": {"family": run.extras.trial_family, "count": int(run.n_trials)},
        "stage_seconds": dict(run.extras.stage_seconds),
        "result_digest": run.digest,
    }
    return {**found, **given}


@cache
def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that decide results."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def code_commit() -> str:
    """Return the git commit of the code with ``+changes`` where it differs, empty if unknown."""
    root = Path(__file__).parents[4]
    if not (root / ".git").exists():
        return ""
    try:
        commit = _git(root, "rev-parse", "--short=12", "HEAD")
        dirty = _git(root, "status", "--porcelain", "--untracked-files=no", "--", "src")
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{commit}{'+changes' if dirty else ''}"


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *words], capture_output=True, text=True, check=True, timeout=5
    )
    return done.stdout.strip()
