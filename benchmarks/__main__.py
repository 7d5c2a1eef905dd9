"""Run every benchmark and print one table: ``python -m benchmarks [NAME …]``.

Peers are installed into ``.venv-peers`` on the first call, apart from the product.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.bench_startup import BACKTEST

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    """Run the named benchmarks, all if none is named; return 1 if one failed."""
    files = sorted(path.stem for path in HERE.glob("bench_*.py"))
    chosen = [name for name in files if not names or any(part in name for part in names)]
    failed = False
    # In a process of its own: the compiler's memory is not that of the work that is measured.
    subprocess.run([sys.executable, "-c", BACKTEST], check=True, capture_output=True)
    print(f"{'work':<62}{'ours':>10}{'peer':>10}{'ratio':>8}  goal", flush=True)
    for name in chosen:
        ran = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}"],
            capture_output=True,
            text=True,
            check=False,
        )
        for text in ran.stdout.splitlines():
            if text.startswith("{"):
                show(json.loads(text))
            else:
                print(f"  {text}", flush=True)
        if ran.returncode:
            failed = True
            print(f"{name} failed:\n{ran.stderr[-2000:]}", file=sys.stderr)
    return int(failed)


def show(line: dict[str, object]) -> None:
    """Print one result."""
    peer = f"{line['peer_s']:.3f} s" if "peer_s" in line else ""
    ratio = f"{line['ratio']:.1f}x" if "ratio" in line else ""
    work = f"{line['work']}" + (f" (against {line['peer']})" if "peer" in line else "")
    for start in range(0, len(work), 60):
        last = start + 60 >= len(work)
        figures = f"{line['ours_s']:>8.3f} s{peer:>10}{ratio:>8}  {line['goal']}" if last else ""
        print(f"{work[start : start + 60]:<62}{figures}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
