"""The pieces that chunks are put together from: sentences, rows of tables, lines of code."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.knowledge.parsing.document import Block, Parsed
from app.knowledge.parsing.sentences import Span, lines, pieces, sentences
from app.knowledge.parsing.tokens import tokens


@dataclass(frozen=True, slots=True)
class Unit:
    """`text[start:end]` of a document, never cut again.

    `header` are the first lines of the table that it is a row of, where it is not in them itself.
    """

    start: int
    end: int
    cost: int
    header: Span | None = None


def units_of(parsed: Parsed, block: Block, most: int) -> list[Unit]:
    """A block's units in order; each costs at most `most` tokens, with its header."""
    if block.kind == "table":
        return [*_rows(parsed, block, most)]
    split = lines if block.kind == "code" else sentences
    return [
        unit
        for span in split(parsed.text, (block.start, block.end))
        for unit in _fitting(parsed, span, most)
    ]


def _rows(parsed: Parsed, block: Block, most: int) -> Iterator[Unit]:
    spans = [*lines(parsed.text, (block.start, block.end))]
    header = (spans[0][0], spans[min(1, len(spans) - 1)][1])
    price = _cost(parsed, header)
    if price * 2 > most:
        # A header as long as half a chunk would leave no room for rows.
        for span in spans:
            yield from _fitting(parsed, span, most)
        return
    yield Unit(*header, price)
    for span in spans[2:]:
        for unit in _fitting(parsed, span, most - price):
            yield Unit(unit.start, unit.end, unit.cost, header)


def _fitting(parsed: Parsed, span: Span, most: int) -> Iterator[Unit]:
    cost = _cost(parsed, span)
    if cost <= most:
        yield Unit(*span, cost)
        return
    for piece in pieces(parsed.text, span, most, lambda text: tokens(text, parsed.language)):
        yield Unit(*piece, _cost(parsed, piece))


def _cost(parsed: Parsed, span: Span) -> int:
    return tokens(parsed.text[span[0] : span[1]], parsed.language)
