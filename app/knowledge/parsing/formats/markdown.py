"""Markdown as CommonMark and GitHub have it."""

from typing import TYPE_CHECKING

from app.knowledge.parsing.decoding import decode
from app.knowledge.parsing.formats import html
from app.knowledge.parsing.writing import Writer, clean

if TYPE_CHECKING:
    from markdown_it.token import Token


def read(content: bytes, writer: Writer) -> None:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - in a process that reads Markdown

    text = _front_matter(clean(decode(content)[0]), writer)
    tokens = MarkdownIt("commonmark", {"maxNesting": 60}).enable("table").parse(text)
    place = _Place()
    for number, token in enumerate(tokens):
        if token.type == "inline":
            _inline(token, tokens[number - 1], place, writer)
        elif token.type in ("fence", "code_block"):
            writer.code(token.content)
        elif token.type == "html_block":
            html.write(token.content, writer)
        else:
            place.note(token)
            if token.type == "table_close":
                writer.table(place.rows)


class _Place:
    """Where in lists and tables a token stands."""

    def __init__(self) -> None:
        self.lists = 0
        self.items = 0
        self.rows: list[list[str]] = []
        self.in_table = False

    def note(self, token: "Token") -> None:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            self.lists += 1
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self.lists -= 1
        elif token.type in ("list_item_open", "list_item_close"):
            self.items += token.nesting
        elif token.type == "table_open":
            self.rows, self.in_table = [], True
        elif token.type == "table_close":
            self.in_table = False
        elif token.type == "tr_open":
            self.rows.append([])


def _inline(token: "Token", before: "Token", place: _Place, writer: Writer) -> None:
    if place.in_table and place.rows:
        place.rows[-1].append(token.content)
    elif before.type == "heading_open":
        writer.heading(token.content, int(before.tag[1]))
    elif place.items:
        writer.item(token.content, place.lists)
    else:
        writer.paragraph(token.content)


def _front_matter(text: str, writer: Writer) -> str:
    """The text after a head between two lines of dashes, whose `title` names the document."""
    if not text.startswith("---\n"):
        return text
    head, ended, rest = text[4:].partition("\n---\n")
    if not ended or len(head) > 20_000:
        return text
    for line in head.split("\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "title":
            writer.title = value.strip().strip("\"'")[:300]
    writer.code(head)
    return rest
