"""Whether a text that is no passage has what was typed into a list's search."""

from typing import Any

from sqlalchemy import ColumnElement, and_, func, text

from app.knowledge.passages.words import as_written


def mentions(q: str, said: ColumnElement[str], lexemes: ColumnElement[Any]) -> ColumnElement[bool]:
    """Its words are in `lexemes` (made by `simple`), what is written without spaces in `said`."""
    spoken, written = as_written(q)
    conditions: list[ColumnElement[bool]] = [
        (func.strpos(func.lower(said), each.text.lower()) > 0).is_(not each.excluded)
        for each in written
    ]
    if spoken or not written:
        wanted = func.websearch_to_tsquery(text("'simple'"), spoken)
        conditions.append(lexemes.bool_op("@@")(wanted))
    return and_(*conditions)
