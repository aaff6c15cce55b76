"""A web page as Markdown: what a reader would see of its main part, with its links."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from yarl import URL

from app.knowledge.parsing.formats.elements import Shown

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

MOST_LINKS: Final = 100
LONGEST_LINK: Final = 500
# A main part that says less is taken for a mistake of the page's.
SHORTEST_MAIN: Final = 200
_MAIN: Final = ("main", "[role=main]", "article")
_LEFT_OUT_WORDS: Final = (
    "script style noscript template svg canvas iframe object embed audio video head nav aside "
    "select button input textarea datalist dialog form footer -comment"
)
_LEFT_OUT: Final = frozenset(_LEFT_OUT_WORDS.split())
_INLINE_WORDS: Final = (
    "a abbr b bdi bdo big cite code data del dfn em font i ins kbd label mark q rp rt ruby s samp "
    "small span strike strong sub sup time tt u var wbr img picture"
)
_INLINE: Final = frozenset(_INLINE_WORDS.split())
_MARKS: Final = {"strong": "**", "b": "**", "em": "*", "i": "*"}
_INVISIBLE: Final = re.compile(
    r"(display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d]))",
    re.IGNORECASE,
)
_SHOWN: Final = Shown(_LEFT_OUT, _INVISIBLE)


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Page:
    """`text` is Markdown; `links` are those of the part that was read, each address once."""

    title: str
    text: str
    links: tuple[Link, ...] = ()


def page_of(html: str, url: URL) -> Page:
    """Read a page; takes as long as it is large, so call it beside the loop.

    Raises DocumentUnsafe for markup that is nested to do harm.
    """
    from selectolax.lexbor import LexborHTMLParser  # noqa: PLC0415 - not needed at start

    from app.knowledge.parsing.formats.html import check_depth  # noqa: PLC0415 - the same

    check_depth(html)
    page = LexborHTMLParser(html)
    if page.body is None:
        return Page(_title(page), "")
    root = _main(page)
    writer = _Writer(_base(page, url))
    for what, node in _SHOWN.events(root):
        writer.take(what, node)
    return Page(_title(page), writer.text(), tuple(writer.links))


def plain(html: str) -> str:
    """A piece of HTML as one line of text: of a search result, say."""
    from selectolax.lexbor import LexborHTMLParser  # noqa: PLC0415 - not needed at start

    body = LexborHTMLParser(html).body
    return " ".join(body.text(separator="", strip=False).split()) if body is not None else ""


def _title(page: "LexborHTMLParser") -> str:
    told = page.css_first("title")
    return " ".join((told.text() if told is not None else "").split())[:300]


def _base(page: "LexborHTMLParser", url: URL) -> URL:
    told = page.css_first("base[href]")
    href = told.attributes.get("href") if told is not None else None
    return _joined(url, href) or url if href else url


def _main(page: "LexborHTMLParser") -> "LexborNode":
    for wanted in _MAIN:
        found = page.css_first(wanted)
        if found is not None and len(found.text(strip=True)) >= SHORTEST_MAIN:
            return found
    assert page.body is not None  # noqa: S101 - for the type checker
    return page.body


def _joined(base: URL, href: str | None) -> URL | None:
    try:
        found = base.join(URL((href or "").strip()))
    except ValueError:
        return None
    return found if found.scheme in ("http", "https") and found.raw_host else None


@dataclass(slots=True)
class _Writer:
    """Turns events into Markdown; what is between two block elements is one paragraph."""

    base: URL
    links: list[Link] = field(default_factory=list)
    _blocks: list[str] = field(default_factory=list)
    _pieces: list[str] = field(default_factory=list)
    _lists: list[str] = field(default_factory=list)
    _anchors: list[int] = field(default_factory=list)
    _row: list[str] | None = None
    _rows: int = 0
    _prefix: str = ""
    _raw: int = 0
    _seen: set[str] = field(default_factory=set)

    def text(self) -> str:
        self._flush()
        return "\n\n".join(self._blocks).replace("\n\n- ", "\n- ").strip()

    def take(self, what: Literal["open", "close", "text"], node: "LexborNode") -> None:
        tag = node.tag or ""
        if what == "text":
            text = node.text_content or ""
            self._pieces.append(text if self._raw else re.sub(r"\s+", " ", text))
        elif tag in _INLINE or tag == "br":
            self._inline(what, tag, node)
        else:
            self._block(what, tag)

    def _inline(self, what: str, tag: str, node: "LexborNode") -> None:
        opens = what == "open"
        if tag == "a":
            self._anchor(node, opens=opens)
        elif tag == "img" and opens:
            self._pieces.append(f" {node.attributes.get('alt') or ''} ")
        elif tag == "br" and opens:
            self._pieces.append("\n" if self._raw or self._row is None else " ")
        elif tag == "code" and not self._raw:
            self._pieces.append("`")
        elif (mark := _MARKS.get(tag)) and not self._raw:
            self._pieces.append(mark)

    def _anchor(self, node: "LexborNode", *, opens: bool) -> None:
        if opens:
            self._anchors.append(len(self._pieces))
            return
        begin = min(self._anchors.pop() if self._anchors else 0, len(self._pieces))
        text = "".join(self._pieces[begin:]).strip()
        found = _joined(self.base, node.attributes.get("href"))
        if not text or found is None or len(str(found)) > LONGEST_LINK or self._raw:
            return
        target = str(found)
        label = " ".join(text.replace("[", "(").replace("]", ")").split())
        self._pieces[begin:] = [f"[{label}]({target})"]
        if target not in self._seen and len(self.links) < MOST_LINKS:
            self._seen.add(target)
            self.links.append(Link(label[:200], target))

    def _block(self, what: str, tag: str) -> None:
        opens = what == "open"
        if tag in ("td", "th") and self._row is not None:
            if not opens:
                self._row.append(" ".join("".join(self._taken()).split()).replace("|", "\\|"))
            return
        self._flush()
        shape: Callable[[bool], None] | None = {
            "table": self._table, "tr": self._line, "pre": self._pre,
            "ul": self._list, "ol": self._numbered, "dl": self._list,
        }.get(tag)  # fmt: skip
        if shape is not None:
            shape(opens)
        elif tag in ("li", "dd", "dt"):
            self._prefix = self._bullet() if opens else ""
        elif re.fullmatch(r"h[1-6]", tag):
            self._prefix = "#" * int(tag[1]) + " " if opens else ""
        elif tag == "blockquote":
            self._prefix = "> " if opens else ""

    def _taken(self) -> list[str]:
        taken, self._pieces, self._anchors = self._pieces, [], []
        return taken

    def _flush(self) -> None:
        text = "".join(self._taken())
        if self._raw:
            if text.strip():
                self._blocks.append(f"```\n{text.strip(chr(10))}\n```")
            return
        lines = (" ".join(line.split()) for line in text.split("\n"))
        text = "\n".join(line for line in lines if line)
        if text:
            self._blocks.append(self._prefix + text)
            if self._prefix.lstrip()[:1] in ("-", "1"):
                self._prefix = "  " * len(self._lists)

    def _table(self, _: bool) -> None:
        self._row, self._rows = None, 0

    def _line(self, opens: bool) -> None:
        if opens:
            self._row = []
            return
        row, self._row = self._row, None
        if row and any(row):
            line = f"| {' | '.join(row)} |"
            if self._rows == 0:
                line += "\n|" + " --- |" * len(row)
                self._blocks.append(line)
            else:
                self._blocks[-1] += "\n" + line
            self._rows += 1

    def _pre(self, opens: bool) -> None:
        self._raw += 1 if opens else -1

    def _list(self, opens: bool) -> None:
        self._begin("-", opens=opens)

    def _numbered(self, opens: bool) -> None:
        self._begin("1.", opens=opens)

    def _begin(self, sign: str, *, opens: bool) -> None:
        if opens:
            self._lists.append(sign)
        elif self._lists:
            self._lists.pop()
        self._prefix = ""

    def _bullet(self) -> str:
        if not self._lists:
            return "- "
        return f"{'  ' * (len(self._lists) - 1)}{self._lists[-1]} "
