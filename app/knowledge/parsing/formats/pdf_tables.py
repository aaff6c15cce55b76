"""Rows of a PDF's table: what stands in one column is below each other."""

from collections.abc import Sequence

from app.knowledge.parsing.formats.pdf_lines import Cell, Line

_Band = tuple[float, float]


def rows_of(lines: Sequence[Line]) -> list[list[str]] | None:
    """The cells of a table by row and column; None where the lines share no columns."""
    bands = _bands([cell for line in lines for cell in line.cells])
    if len(lines) < 2 or len(bands) < 2:
        return None
    rows = [_row(line, bands) for line in lines]
    # Gaps that stand below each other by chance leave most of the places empty.
    filled = sum(bool(cell) for row in rows for cell in row)
    return rows if filled * 2 > len(rows) * len(bands) else None


def _row(line: Line, bands: Sequence[_Band]) -> list[str]:
    texts = [""] * len(bands)
    for cell in line.cells:
        column = next(n for n, band in enumerate(bands) if _overlap(band, cell))
        texts[column] = f"{texts[column]} {cell.text}".strip()
    return texts


def _bands(cells: Sequence[Cell]) -> list[_Band]:
    """Where the columns are: stretches of a line's width that cells of some rows share."""
    bands: list[_Band] = []
    for cell in sorted(cells, key=lambda cell: cell.left):
        if bands and cell.left <= bands[-1][1]:
            bands[-1] = (bands[-1][0], max(bands[-1][1], cell.right))
        else:
            bands.append((cell.left, cell.right))
    return bands


def _overlap(band: _Band, cell: Cell) -> bool:
    return band[0] <= cell.left <= band[1]
