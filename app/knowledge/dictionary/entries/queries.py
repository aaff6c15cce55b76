"""What lists of entries and of their history are asked for."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from app.core.paging import PageQuery
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Text
from app.knowledge.dictionary.draft import EntryStatus
from app.knowledge.dictionary.entries import bounds
from app.knowledge.dictionary.wording import LanguageTag, Line


class EntryFilter(Input):
    """Which entries are meant; all conditions hold together."""

    dictionary_id: UUID | None = None
    status: EntryStatus | None = None
    subject_field: Annotated[
        Line | None, Field(max_length=bounds.SUBJECT_FIELD, description="Whatever its case.")
    ] = None
    language: Annotated[
        LanguageTag | None,
        Field(description="Entries with a term in it, or in a variety: `de` covers `de-AT`."),
    ] = None
    term: Annotated[
        Line | None,
        Field(
            max_length=bounds.TERM, description="How a term begins, whatever its case and accents."
        ),
    ] = None
    term_exact: Annotated[
        Line | None, Field(max_length=bounds.TERM, description="A whole term, whatever its case.")
    ] = None
    external_id: Annotated[Line | None, Field(max_length=bounds.EXTERNAL_ID)] = None
    q: Annotated[
        Text | None,
        Field(
            min_length=1,
            max_length=200,
            description='Words in terms or definitions; `"…"` for a phrase, `-` for what is not '
            "to be in it.",
        ),
    ] = None
    updated_since: AwareDatetime | None = None
    deleted: Annotated[bool, Field(description="The deleted ones instead.")] = False


class EntryQuery(EntryFilter, RestorableQuery):
    sort: Annotated[
        Literal["created_at", "updated_at"], Field(description="Newest first, by default.")
    ] = "created_at"


class RevisionQuery(PageQuery):
    """Newest first."""
