"""Cells of CSV that no spreadsheet takes for a formula, and back."""

from typing import Final

# What Excel, LibreOffice and Google Sheets begin to calculate at, and its full-width forms.
FORMULAS: Final = frozenset("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - these are the point
QUOTE: Final = "'"


def neutral(cell: str) -> str:
    """The cell as text for a spreadsheet: with an apostrophe before what could be a formula."""
    return QUOTE + cell if _is_doubtful(cell) else cell


def restored(cell: str) -> str:
    """The cell as it was before `neutral`."""
    bare = cell.removeprefix(QUOTE)
    return bare if bare != cell and _is_doubtful(bare) else cell


def _is_doubtful(cell: str) -> bool:
    start = cell[:1]
    return start == QUOTE or start in FORMULAS or cell.lstrip()[:1] in FORMULAS
