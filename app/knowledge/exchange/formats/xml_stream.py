"""XML from outside, read piece by piece: no entities, nothing fetched, bounded depth and size."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, NoReturn
from xml.parsers import expat

from app.knowledge.exchange.formats.row import Malformed

PIECE_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 64
MAX_NODES: Final = 20_000
MAX_CHARACTERS: Final = 2_000_000
_SPACE: Final = " "


@dataclass(slots=True)
class Node:
    """An element: its name without a namespace, and the line it begins at."""

    name: str
    attributes: dict[str, str]
    line: int
    children: list["Node"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text within, that of inline elements included; layout is left as it is."""
        return "".join(self.pieces)


class NodeReader:
    """Gives the elements with one of these names, each whole; what is around them is dropped."""

    def __init__(self, wanted: frozenset[str], roots: frozenset[str]) -> None:
        self._wanted, self._roots = wanted, roots
        self._open: list[Node] = []
        self._ready: list[Node] = []
        self._depth = self._nodes = self._characters = 0
        self._parser = _parser_for(self)

    def read(self, file: BinaryIO) -> Iterator[Node]:
        """Raises Malformed."""
        final = False
        while not final:
            piece = file.read(PIECE_BYTES)
            final = not piece
            try:
                self._parser.Parse(piece, final)
            except expat.ExpatError as error:
                said = expat.ErrorString(error.code)
                raise Malformed(
                    f"line {error.lineno}, column {error.offset + 1}: no well-formed XML ({said})"
                ) from None
            except (LookupError, ValueError) as error:
                raise Malformed(f"line {self.line}: its encoding is not read ({error})") from None
            ready, self._ready = self._ready, []
            yield from ready

    @property
    def line(self) -> int:
        line: int = self._parser.CurrentLineNumber
        return line

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        if self._depth == 0 and local not in self._roots:
            raise Malformed(f"line {self.line}: the root element {local!r} is not one of TBX")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Malformed(f"line {self.line}: nested deeper than {MAX_DEPTH} elements")
        if not self._open and local not in self._wanted:
            return
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Malformed(f"line {self._open[0].line}: more than {MAX_NODES} elements in one")
        named = {_local(key): value for key, value in attributes.items()}
        node = Node(local, named, self.line)
        if self._open:
            self._open[-1].children.append(node)
        self._open.append(node)

    def closed(self, _: str) -> None:
        self._depth -= 1
        if not self._open:
            return
        node = self._open.pop()
        if self._open:
            self._open[-1].pieces.extend(node.pieces)
        else:
            self._ready.append(node)
            self._nodes = self._characters = 0

    def said(self, text: str) -> None:
        if self._open:
            self._characters += len(text)
            if self._characters > MAX_CHARACTERS:
                raise Malformed(
                    f"line {self._open[0].line}: more than {MAX_CHARACTERS} characters in one"
                )
            self._open[-1].pieces.append(text)

    def doctype(self, _name: str, _system: str | None, _public: str | None, declares: bool) -> None:
        """One that only names a DTD is passed over: the older TBX files have it."""
        if declares:
            self.refuse()

    def refuse(self, *_: Any) -> NoReturn:
        raise Malformed(
            f"line {self.line}: the file has a DTD of its own or entities; take these out first"
        )


def _parser_for(reader: NodeReader) -> Any:
    parser = expat.ParserCreate(namespace_separator=_SPACE)
    parser.buffer_text = True
    parser.StartElementHandler = reader.opened
    parser.EndElementHandler = reader.closed
    parser.CharacterDataHandler = reader.said
    # A DTD within is refused at its first word, one elsewhere is never fetched.
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.SkippedEntityHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.ExternalEntityRefHandler = reader.refuse
    return parser


def _local(name: str) -> str:
    return name.rpartition(_SPACE)[2]
