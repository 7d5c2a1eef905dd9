"""What the kernel's features cost where they are off: plain work against a kernel without them.

Run: ``python -m benchmarks.bench_features_off``. The other side is this repository's own kernel as
it was before order sets, waiting orders, GTD, latency, tiers, estimated spreads, impact models,
borrow by symbol and margin calls came: its source is taken from the history, and compiled and
timed by the same script in the same minute. Both sides take turns; the fastest round counts, in
time of the processor, so that other work on the machine does not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import tell

ROOT = Path(__file__).parents[1]
BEFORE = "c762931"
"""The last commit whose kernel has none of them."""
MOST = 1.2


def unpack(ref: str, folder: Path) -> None:
    """Write the source tree of a commit into a folder.

    Raises
    ------
    SystemExit
        If the history does not hold the commit.
    """
    packed = subprocess.run(
        ["git", "archive", ref, "src"], cwd=ROOT, capture_output=True, check=False
    )
    if packed.returncode:
        raise SystemExit(
            f"commit {ref} is not in this repository's history, which this benchmark compares "
            "with; fetch the whole history (git fetch --unshallow) or name one with --ref"
        )
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)


def timed(source: Path, cache: Path, rounds: int) -> dict[str, float]:
    """Return the seconds of each plain case under a source tree."""
    names = {"PYTHONPATH": str(source), "NUMBA_CACHE_DIR": str(cache)}
    script = ROOT / "benchmarks" / "plain_cases.py"
    ran = subprocess.run(
        [sys.executable, str(script), str(rounds)],
        env={**os.environ, **names},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise SystemExit(f"{source}: {ran.stderr[-2000:]}")
    told = json.loads(ran.stdout)
    assert Path(told["source"]).is_relative_to(source), told["source"]
    found: dict[str, float] = told["times"]
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ref", default=BEFORE)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    now: dict[str, float] = {}
    before: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        unpack(given.ref, folder)
        for _ in range(given.turns):
            for source, best in ((ROOT / "src", now), (folder / "src", before)):
                cache = folder / f"cache-{'now' if best is now else 'before'}"
                for case, seconds in timed(source, cache, given.rounds).items():
                    best[case] = min(best.get(case, seconds), seconds)
    for case, seconds in now.items():
        tell(
            f"off_{case.split(' on ')[0].replace(' ', '_')}",
            work=f"features off: {case}",
            ours_s=round(seconds, 5),
            peer=f"the kernel of {given.ref}, without them",
            peer_s=round(before[case], 5),
            ratio=round(before[case] / seconds, 2),
            goal=f">= {1 / MOST:.2f}x: at most 20 % slower",
        )
    return int(any(now[case] > MOST * before[case] for case in now))


if __name__ == "__main__":
    sys.exit(main())
