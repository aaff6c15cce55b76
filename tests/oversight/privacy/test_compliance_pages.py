"""The pages for auditors name tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs" / "compliance").glob("*.md"))
NAMED = re.compile(r"`?(tests/[\w/]+\.py)(?:::(\w+))?`?")
FAMILIES = ("SOC 2", "ISO 27001", "GDPR")


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def missing(text: str) -> list[str]:
    """The tests that a page names and that are not there."""
    return [
        f"{path}::{name}"
        for path, name in NAMED.findall(text)
        if not (ROOT / path).is_file() or (name and name not in functions_of(ROOT / path))
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page):
    assert missing(page.read_text()) == []


def test_the_search_finds_one_that_does_not_exist():
    here = "tests/oversight/privacy/test_compliance_pages.py"
    gone = "tests/oversight/privacy/test_nowhere.py"
    assert missing(f"`{here}::test_nothing` `{gone}::test_x` `{here}`") == [
        f"{here}::test_nothing",
        f"{gone}::test_x",
    ]


def test_every_promise_has_a_test_and_a_control_of_each_family():
    page = (ROOT / "docs" / "compliance" / "control-matrix.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    promises = [row for row in rows if row[0] != "promise"]
    assert len(promises) > 30
    for promise, *controls, shown_by in promises:
        assert len(controls) == len(FAMILIES), promise
        assert all(controls), promise
        assert NAMED.search(shown_by), promise
