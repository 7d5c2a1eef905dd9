"""Run a peer's script in its own environment, on the same inputs, in the same benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
PEERS = HERE.parent / ".venv-peers"


def peer_python(family: str = "") -> Path:
    """Return the peers' interpreter; their environment is made on the first call.

    A family of peers whose pins would disturb the others has an environment of its own, from
    ``requirements-<family>.txt``.
    """
    folder = PEERS.with_name(f"{PEERS.name}-{family}") if family else PEERS
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pins = HERE / "peers" / (f"requirements-{family}.txt" if family else "requirements.txt")
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(pins)], check=True)
    return python


def run_peer(
    script: str, folder: Path, *, rounds: int, family: str = "", **arrays: Any
) -> dict[str, Any]:
    """Return what a peer's script tells.

    Parameters
    ----------
    script : str
        Name in ``benchmarks/peers``, without its ending.
    folder : Path
        Where inputs and outputs lie as ``.npy``.
    rounds : int
        Measured repetitions; the script tells their median.
    family : str
        See `peer_python`.
    **arrays
        Inputs, saved under their names.
    """
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    path = HERE / "peers" / f"{script}.py"
    ran = subprocess.run(
        [str(peer_python(family)), str(path), str(folder), str(rounds)],
        capture_output=True,
        text=True,
        check=False,
        cwd=path.parent,
    )
    if ran.returncode:
        raise RuntimeError(f"{script} failed:\n{ran.stderr[-2000:]}")
    told: dict[str, Any] = json.loads((folder / "told.json").read_text())
    return told
