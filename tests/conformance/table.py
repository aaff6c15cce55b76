"""The table of cells as a page of the documentation, written and read back."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.case import DIALECTS, SDKS, UPSTREAMS, Case, Dialect
from tests.conformance.cases import CASES
from tests.conformance.running import Cell

PAGE = Path(__file__).parents[2] / "docs" / "gateway" / "conformance.md"
# By the name of the case, the dialect, the SDK's language and the upstream.
Key = tuple[str, str, str, str]
Cells = dict[Key, Cell]
NO_SUCH, NOT_YET = "-", "?"
NOT_RUN = (NO_SUCH, NOT_YET)

HEAD = """\
# Conformance

The vendors' own SDKs, unmodified, in front of each vendor as the upstream. `scripts/conformance`
runs every case and rewrites this page; `tests/conformance` holds the page to what a run gives.

A row is one feature, asked for by the SDK's own method. ✓: the upstream was sent what the client
asked for, in the upstream's words, and the client has read the answer by its own SDK's types.
A number: the upstream's dialect has no words for it, so the request is answered 400 with the
sentence below and nothing is sent. -: the client's dialect has no such feature.

Two hints are refused by no upstream, since the gateway goes by them itself: the end user's id is
the call's [customer](money.md#customers), and a name for requests that share a prompt is what a
[sticky route](routing.md) knows them by.
"""


def columns() -> Iterator[tuple[str, str]]:
    for sdk in SDKS:
        for upstream in UPSTREAMS:
            yield sdk, upstream


def asked_cases(dialect: Dialect) -> list[Case]:
    return [case for case in CASES if dialect in case.asks]


def write(cells: Cells) -> None:
    """Put the cells of a run into the page; those that it has not run stay as they are."""
    before = committed() if PAGE.exists() else {}
    PAGE.write_text(rendered(before | cells), encoding="utf-8")


def rendered(cells: Cells) -> str:
    return "\n".join([HEAD, *(section(cells, dialect) for dialect in DIALECTS)])


def section(cells: Cells, dialect: Dialect) -> str:
    heads = [f"{SDKS[sdk]} → {UPSTREAMS[upstream]}" for sdk, upstream in columns()]
    lines = [f"## {DIALECTS[dialect]}", "", row("Feature", heads), row("---", ["---"] * len(heads))]
    sentences: list[str] = []
    for case in CASES:
        shown = [
            symbol(cells.get((case.name, dialect, *column)), sentences)
            if dialect in case.asks
            else NO_SUCH
            for column in columns()
        ]
        lines.append(row(case.feature, shown))
    notes = [f"{number}. {sentence}" for number, sentence in enumerate(sentences, 1)]
    return "\n".join([*lines, "", *notes, ""] if notes else [*lines, ""])


def row(first: str, others: list[str]) -> str:
    return f"| {' | '.join([first, *others])} |"


def symbol(cell: Cell | None, sentences: list[str]) -> str:
    """How a cell is shown; its sentence is given a number among the section's."""
    if cell is None:
        return NOT_YET
    if cell.state == "passes":
        return "✓"
    if cell.state == "fails":
        return f"fails: {cell.sentence}".replace("|", "\\|").replace("\n", " ")
    if cell.sentence not in sentences:
        sentences.append(cell.sentence)
    return str(sentences.index(cell.sentence) + 1)


def committed() -> Cells:
    """What the page says of each cell."""
    cells: Cells = {}
    pieces = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    by_title = {title: dialect for dialect, title in DIALECTS.items()}
    names = {case.feature: case.name for case in CASES}
    for piece in pieces:
        title, *lines = piece.splitlines()
        sentences = dict(re.findall(r"^(\d+)\. (.*)$", piece, flags=re.MULTILINE))
        for line in lines:
            feature, *shown = [cell.strip() for cell in line.strip("|").split(" | ")]
            if feature in names:
                for column, text in zip(columns(), shown, strict=True):
                    key = (names[feature], by_title[title.strip()], *column)
                    cells |= {} if text in NOT_RUN else {key: shown_as(text, sentences)}
    return cells


def shown_as(text: str, sentences: dict[str, str]) -> Cell:
    if text == "✓":
        return Cell("passes")
    if text in sentences:
        return Cell("refused", sentences[text])
    return Cell("fails", text.removeprefix("fails: "))
