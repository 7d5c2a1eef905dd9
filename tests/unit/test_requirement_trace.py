"""Each promise of the requirement trace names a proof that exists."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRACE = tomllib.loads((ROOT / "tests" / "requirements.toml").read_text(encoding="utf-8"))


def test_every_entry_says_what_it_promises():
    assert [ident for ident, entry in TRACE.items() if len(entry["what"]) < 10] == []


def test_every_proof_exists():
    missing = []
    for ident, entry in TRACE.items():
        assert entry["proof"], f"{ident} has no proof"
        for proof in entry["proof"]:
            path, _, name = proof.partition("::")
            file = ROOT / path
            name = name.split("::")[-1].split("[")[0]
            found = file.is_file() and (
                not name or re.search(rf"\b(def|class) {re.escape(name)}\b", file.read_text())
            )
            if not found:
                missing.append(f"{ident}: {proof}")
    assert missing == []
