"""Web pages: what a reader would see of them."""

import re
from typing import TYPE_CHECKING, Final

from app.knowledge.parsing.decoding import declared_in_html, decode
from app.knowledge.parsing.errors import DocumentUnsafe
from app.knowledge.parsing.formats.elements import Shown
from app.knowledge.parsing.writing import Writer, one_line

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

DEEPEST: Final = 3_000
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*?(/?)>")
# Elements that end by themselves: their open tags say nothing of depth.
_UNCLOSED_WORDS: Final = (
    "area base br col embed hr img input link meta param source track wbr p li dt dd tr td th "
    "thead tbody tfoot colgroup caption option optgroup rt rp html head body"
)
_UNCLOSED: Final = frozenset(_UNCLOSED_WORDS.split())
_LEFT_OUT_WORDS: Final = (
    "script style noscript template svg canvas iframe object embed audio video head nav "
    "select button input textarea datalist dialog -comment"
)
_LEFT_OUT: Final = frozenset(_LEFT_OUT_WORDS.split())
_INLINE_WORDS: Final = (
    "a abbr b bdi bdo big cite code data del dfn em font i ins kbd label mark math q rp rt "
    "ruby s samp small span strike strong sub sup time tt u var wbr img picture"
)
_INLINE: Final = frozenset(_INLINE_WORDS.split())
_HEADING: Final = re.compile(r"h[1-6]")
_INVISIBLE: Final = re.compile(r"(display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_WIDEST: Final = 100

_SHOWN: Final = Shown(_LEFT_OUT, _INVISIBLE)


def read(content: bytes, writer: Writer) -> None:
    write(decode(content, declared_in_html(content))[0], writer)


def write(text: str, writer: Writer) -> None:
    """The visible text of a page, or of a piece of one."""
    from selectolax.lexbor import LexborHTMLParser  # noqa: PLC0415 - in a process that reads pages

    check_depth(text)
    page = LexborHTMLParser(text)
    if page.head is not None and (title := page.head.css_first("title")) is not None:
        writer.title = writer.title or one_line(title.text())[:300]
    if page.body is not None:
        reader = _Reader(writer)
        for what, node in _SHOWN.events(page.body):
            reader.take(what, node)
        reader.flush()


def check_depth(text: str) -> None:
    """Raise DocumentUnsafe for markup that only a parser's stack would notice as nested."""
    depth = 0
    for found in _TAG.finditer(text):
        if found[2].lower() in _UNCLOSED or found[3]:
            continue
        depth = max(0, depth + (-1 if found[1] else 1))
        if depth > DEEPEST:
            raise DocumentUnsafe(f"Its elements are nested more than {DEEPEST} deep.")


class _Reader:
    """Turns events into blocks; what is between two block elements is one paragraph."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._pieces: list[str] = []
        self._lists = 0
        self._items = 0
        self._raw = 0
        self._rows: list[list[str]] | None = None

    def take(self, what: str, node: "LexborNode") -> None:
        tag = node.tag or ""
        if what == "text":
            self._pieces.append(self._text(node.text_content or ""))
        elif tag == "br":
            self._pieces.append("\n" if what == "open" else "")
        elif tag == "img" and what == "open":
            self._pieces.append(f" {node.attributes.get('alt') or ''} ")
        elif tag not in _INLINE:
            self._block(what, tag, node)

    def flush(self) -> None:
        """Write what came since the last block element."""
        if self._rows is not None:
            self._pieces.append(" ")
            return
        text, self._pieces = "".join(self._pieces), []
        if self._raw:
            self._writer.code(text)
        elif self._items:
            self._writer.item(text, max(1, self._lists))
        else:
            self._writer.paragraph(text)

    def _text(self, text: str) -> str:
        return text if self._raw else re.sub(r"\s+", " ", text)

    def _block(self, what: str, tag: str, node: "LexborNode") -> None:
        opens = what == "open"
        if _HEADING.fullmatch(tag) and self._rows is None:
            self._heading(tag, opens=opens)
        elif tag == "table":
            self._table(node, opens=opens)
        elif tag in ("tr", "td", "th") and self._rows is not None:
            self._cell(tag, node, opens=opens)
        else:
            self.flush()
            self._nest(tag, 1 if opens else -1)

    def _heading(self, tag: str, *, opens: bool) -> None:
        if opens:
            self.flush()
        else:
            text, self._pieces = "".join(self._pieces), []
            self._writer.heading(text, int(tag[1]))

    def _nest(self, tag: str, by: int) -> None:
        if tag in ("ul", "ol", "dl"):
            self._lists += by
        elif tag in ("li", "dd", "dt"):
            self._items += by
        elif tag in ("pre", "xmp", "listing") and self._rows is None:
            self._raw += by

    def _table(self, node: "LexborNode", *, opens: bool) -> None:
        """A table with another one inside only lays out a page: its cells are read as they come."""
        if opens:
            self.flush()
            if len(node.css("table")) < 2 and self._rows is None:
                self._rows = []
        elif self._rows is not None:
            rows, self._rows, self._pieces = self._rows, None, []
            self._writer.table(rows)

    def _cell(self, tag: str, node: "LexborNode", *, opens: bool) -> None:
        rows = self._rows
        if rows is None:
            return
        if tag == "tr":
            if opens:
                rows.append([])
        elif opens:
            self._pieces = []
        elif rows:
            text, self._pieces = "".join(self._pieces), []
            spans = node.attributes.get("colspan") or "1"
            more = min(int(spans), _WIDEST) - 1 if spans.isdecimal() else 0
            rows[-1] += [text, *([""] * more)]
