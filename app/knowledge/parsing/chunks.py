"""Cutting a document into chunks along its structure, for embedding and for citations."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.knowledge.parsing.document import Block, Parsed
from app.knowledge.parsing.tokens import tokens
from app.knowledge.parsing.units import Unit, units_of

SEPARATOR: Final = " \u203a "
_LONGEST_HEADING: Final = 300


@dataclass(frozen=True, slots=True)
class ChunkRules:
    """In tokens, as `tokens` estimates them: at most so many a chunk, its overlap among them.

    The local embedding model reads 256, of which title and headings take some.
    """

    tokens: int = 220
    overlap: int = 30

    def __post_init__(self) -> None:
        if not (16 <= self.tokens <= 8192 and 0 <= self.overlap <= self.tokens // 2):
            raise ValueError("16 to 8192 tokens a chunk, and at most half of them overlap")


@dataclass(frozen=True, slots=True)
class Chunk:
    """`text` is `parsed.text[start:end]`, under the header of its table where it begins within one.

    Offsets count code points. `heading` are the headings above it, outermost first, and what code
    it defines; `page` is where it begins.
    """

    text: str
    heading: str
    page: int | None
    start: int
    end: int


def chunk(parsed: Parsed, rules: ChunkRules | None = None) -> list[Chunk]:
    """The chunks of a document in order: together they hold all of its text, always the same way.

    No chunk reaches over the beginning of a top section, a slide or a sheet. Sentences, rows and
    lines are cut only where one is longer than a chunk. A million characters take about a second.
    """
    cutter = _Cutter(parsed, rules or ChunkRules())
    for block in parsed.blocks:
        cutter.take(block)
    cutter.cut()
    return cutter.chunks


class _Cutter:
    def __init__(self, parsed: Parsed, rules: ChunkRules) -> None:
        self.chunks: list[Chunk] = []
        self._parsed = parsed
        self._rules = rules
        self._top = _top_level(parsed.blocks)
        self._pages_part = parsed.media_type != "application/pdf"
        self._path: list[tuple[int, str]] = []
        self._units: list[Unit] = []
        self._cost = 0
        self._only_headings = True
        self._heading = ""
        self._page: int | None = None
        self._last: Block | None = None

    def take(self, block: Block) -> None:
        if self._begins_section(block):
            self.cut()
        if block.kind == "heading":
            self._descend(block)
        units = units_of(self._parsed, block, self._rules.tokens)
        if self._better_whole(units):
            self.cut(overlapping=block.kind in ("paragraph", "list"))
        for unit in units:
            self._add(unit, block)
        if block.kind != "heading":
            self._only_headings = False
        self._last = block

    def cut(self, *, overlapping: bool = False) -> None:
        """End the chunk; `overlapping` begins the next one with the end of this."""
        if not self._units:
            return
        first, last = self._units[0], self._units[-1]
        text = self._parsed.text[first.start : last.end]
        if first.header is not None:
            text = f"{self._parsed.text[slice(*first.header)]}\n{text}"
        self.chunks.append(Chunk(text, self._heading, self._page, first.start, last.end))
        self._units = [*self._overlap()] if overlapping else []
        self._cost = sum(unit.cost for unit in self._units)
        self._only_headings = True

    def _add(self, unit: Unit, block: Block) -> None:
        price = self._price(unit)
        if self._units and self._cost + price > self._rules.tokens:
            self.cut(overlapping=block.kind in ("paragraph", "list"))
            price = self._price(unit)
            if self._cost + price > self._rules.tokens:
                self._units, self._cost = [], 0
                price = self._price(unit)
        if self._only_headings:
            self._heading, self._page = self._heading_of(block), block.page
        self._units.append(unit)
        self._cost += price
        if block.kind != "heading":
            self._only_headings = False

    def _price(self, unit: Unit) -> int:
        """What a unit adds to the chunk; the first row of one brings its header."""
        if unit.header is None or self._units:
            return unit.cost
        header = self._parsed.text[slice(*unit.header)]
        return unit.cost + tokens(header, self._parsed.language)

    def _begins_section(self, block: Block) -> bool:
        if self._last is None:
            return False
        if self._pages_part and block.page != self._last.page:
            return True
        half = self._cost * 2 >= self._rules.tokens
        if block.kind == "heading":
            return not self._only_headings and (block.level <= self._top or half)
        return bool(block.kind == "code" and block.name) and half

    def _better_whole(self, units: list[Unit]) -> bool:
        """Whether a block that does not fit in here any more would fit in the next chunk."""
        whole = sum(unit.cost for unit in units)
        fits = self._cost + whole <= self._rules.tokens
        return not fits and whole <= self._rules.tokens and self._cost * 2 >= self._rules.tokens

    def _overlap(self) -> Iterator[Unit]:
        """The last sentences of the chunk that just ended, as many as the rules allow."""
        room, taken = self._rules.overlap, 0
        if self._last is not None and self._last.kind not in ("paragraph", "list"):
            return
        for unit in reversed(self._units):
            room -= unit.cost
            if room < 0 or unit.header is not None or taken + 1 == len(self._units):
                break
            taken += 1
        yield from self._units[len(self._units) - taken :]

    def _descend(self, block: Block) -> None:
        # Bounded here: it is joined for every chunk below it.
        text = self._parsed.of(block)[:_LONGEST_HEADING]
        self._path = [(level, name) for level, name in self._path if level < block.level]
        self._path.append((block.level, text))

    def _heading_of(self, block: Block) -> str:
        names = [name for _, name in self._path]
        if block.name:
            names.append(block.name)
        return SEPARATOR.join(names)[:_LONGEST_HEADING]


def _top_level(blocks: tuple[Block, ...]) -> int:
    """The level that parts a document: its outermost, or the one below where that is a title."""
    levels = Counter(block.level for block in blocks if block.kind == "heading")
    return next((level for level in sorted(levels) if levels[level] > 1), 1)
