"""The pages tell the truth: their code runs, their links lead somewhere, their names exist."""

import re
import warnings
from pathlib import Path

import pytest

import tradewright as tw

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)|(?:src|srcset)=\"([^\"]+)\"")
RUNNABLE = [
    ROOT / "README.md",
    ROOT / "docs" / "tutorials" / "first-strategy.md",
    ROOT / "docs" / "how-to" / "share-an-account.md",
    ROOT / "docs" / "how-to" / "walk-forward.md",
    ROOT / "docs" / "how-to" / "write-a-strategy.md",
]


@pytest.mark.parametrize("page", ["concepts/leak-guard.md", "reference/statistics.md"])
def test_the_examples_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    blocks = BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), names)


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_the_code_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert blocks
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # a run that failed warns
        for block in blocks:
            exec(compile(block, str(page), "exec"), names)
    assert (tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_to_a_file(page):
    broken = []
    for target, _, source in LINK.findall(page.read_text(encoding="utf-8")):
        link = target or source
        if not link.startswith(("http", "mailto:")) and not (page.parent / link).exists():
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_page_says_its_kind(page):
    assert re.match(
        r"---\nkind: (tutorial|how-to|concept|reference|decision)\n---\n", page.read_text()
    )


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page():
    told = re.findall(
        r"(?::|-)\s+([\w/.-]+\.md)\s*$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE
    )
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert sorted(told) == sorted(pages)


def test_every_public_name_is_described_and_exists():
    told = set(re.findall(r"`tw\.(\w+)", (ROOT / "docs/reference/python-api.md").read_text()))
    assert told <= set(tw.__all__)
    assert set(tw.__all__) - told <= {"__version__", "LeakReport", "Sweep"}
    for name in tw.__all__:
        assert getattr(tw, name) is not None
