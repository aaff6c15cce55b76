"""Exports and imports on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.paging import PageQuery
from app.core.schema import Input, Output, Problem, Version
from app.core.schema import Name as FileName
from app.knowledge.dictionary.draft import EntryStatus
from app.knowledge.dictionary.wording import LanguageTag
from app.knowledge.exchange.formats.table import Name

Mode = Literal["merge", "replace", "create_only"]
UnknownTargets = Literal["refuse", "drop"]
FormatName = Annotated[
    Name,
    Field(
        description="`tbx`: TBX-Basic (ISO 30042); `turtle`, `jsonld`: SKOS; `csv`: a row a term; "
        "`json`: our own, whole."
    ),
]


class ExportQuery(Input):
    format: FormatName = "json"
    status: Annotated[
        list[EntryStatus] | None,
        Field(min_length=1, max_length=4, description="Only entries in these; all, if left out."),
    ] = None
    languages: Annotated[
        list[LanguageTag] | None,
        Field(
            min_length=1,
            max_length=50,
            description="Only what is said in these, of entries with a term in one of them.",
        ),
    ] = None


class ImportOptions(Input):
    # `dry_run` stands beside them in the query.
    model_config = ConfigDict(extra="ignore")

    format: Annotated[
        FormatName | None,
        Field(description="Told by the media type or the file's name, if left out."),
    ] = None
    name: Annotated[FileName | None, Field(description="The file's name.")] = None
    mode: Annotated[
        Mode,
        Field(
            description="`merge`: what the file says of an entry counts, what it leaves out stays; "
            "`replace`: entries become what the file says, and those it does not have are deleted "
            "(unless one of its concepts was refused); `create_only`: entries that are there are "
            "refused."
        ),
    ] = "merge"
    default_status: Annotated[
        EntryStatus, Field(description="Of new entries whose status the file does not tell.")
    ] = "draft"
    unknown_targets: Annotated[
        UnknownTargets,
        Field(
            description="A relation to what is neither in the file nor here: `refuse` its concept, "
            "or `drop` the relation."
        ),
    ] = "refuse"
    continue_on_error: Annotated[
        bool,
        Field(
            description="Import what stands before the place where the file is malformed, and, to "
            "`replace`, delete what it does not have even if concepts were refused."
        ),
    ] = False


class ImportQuery(PageQuery):
    dictionary_id: Annotated[UUID | None, Field(description="Only those into this one.")] = None


class ImportReject(Output):
    """A concept of the file that was not taken in."""

    position: int = Field(description="Which concept of the file it is, from 1.")
    line: int | None = Field(description="Where it begins, in formats that are read by lines.")
    key: str = Field(description="What the file calls it.")
    reason: str


class ImportRead(Output):
    """A file on its way into a dictionary; its counts are of concepts."""

    id: UUID
    dictionary_id: UUID
    run_id: UUID = Field(description="Its progress: `GET /v1/runs/{run_id}/events`.")
    name: str
    format: Name
    mode: Mode
    continue_on_error: bool
    unknown_targets: UnknownTargets
    default_status: EntryStatus
    size: int = Field(description="Bytes.")
    sha256: str
    status: Literal["in_progress", "completed", "failed", "cancelled"]
    stage: Literal["reading", "writing", "relating", "removing", "done"]
    total: int
    created: int
    updated: int
    unchanged: int
    removed: int
    refused: int
    error: Problem | None
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    version: Version


class ImportStarted(ImportRead):
    """An import that a run will carry out, or what a dry run of it came to."""

    rejects: list[ImportReject] = Field(
        description="In a dry run, the first concepts that would be refused; else empty."
    )
