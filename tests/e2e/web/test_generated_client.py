"""The typed client that the page is compiled against is that of the written interface."""

from __future__ import annotations

import shutil
import subprocess

from browsing import need
from served_page import REPOSITORY

WEB = REPOSITORY / "web"


def test_checked_in_client_is_what_the_document_generates(tmp_path):
    program = WEB / "node_modules" / ".bin" / "openapi-typescript"
    need(program.exists() and shutil.which("node") is not None, "npm ci was not run in web/")
    made = tmp_path / "schema.ts"
    subprocess.run(
        [str(program), str(REPOSITORY / "docs" / "reference" / "openapi.json"), "-o", str(made)],
        check=True, capture_output=True, timeout=120, cwd=WEB,
    )  # fmt: skip
    written = (WEB / "src" / "api" / "schema.ts").read_text(encoding="utf-8")
    assert made.read_text(encoding="utf-8") == written, "old client: npm run generate in web/"


def test_lock_names_no_registry_and_pins_every_direct_library():
    import json
    import re

    package = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    direct = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in direct.values())
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    hosts = {
        entry["resolved"].split("/")[2]
        for entry in lock["packages"].values()
        if "resolved" in entry
    }
    assert hosts <= {"registry.npmjs.org"}
    assert all("integrity" in entry for name, entry in lock["packages"].items() if name)
