"""What an entry says, on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.core.schema import Input, Output, WholeNumber
from app.knowledge.dictionary.draft import RelationKind, TermStatus
from app.knowledge.dictionary.entries import bounds
from app.knowledge.dictionary.wording import Block, LanguageTag, Line

Url = Annotated[
    Line,
    Field(
        max_length=bounds.URL,
        pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$",
        description="An address, such as https://example.com/terms#cell.",
    ),
]
TermText = Annotated[Line, Field(max_length=bounds.TERM, description="As it is written.")]
DefinitionText = Annotated[Block, Field(max_length=bounds.DEFINITION)]
ExampleText = Annotated[Block, Field(max_length=bounds.EXAMPLE)]
NoteText = Annotated[Block, Field(max_length=bounds.NOTE)]
SubjectField = Annotated[Line, Field(max_length=bounds.SUBJECT_FIELD)]
Title = Annotated[Line, Field(max_length=bounds.TITLE)]
VersionNumber = Annotated[WholeNumber, Field(ge=1, le=bounds.MOST_VERSION)]


class TermInput(Input):
    id: UUID | None = Field(
        default=None,
        description="A term of this entry that is to be changed. Without one, a term with the same "
        "language and text is meant, or a new one.",
    )
    language: LanguageTag
    text: TermText
    status: TermStatus = Field(
        default="admitted",
        description="`preferred`: the one to use, at most one a language; `admitted`: may be used; "
        "`forbidden`: must not be used; `abbreviation`: short for another term.",
    )
    part_of_speech: (
        Annotated[
            Line, Field(max_length=bounds.PART_OF_SPEECH, description="`noun`, `verb`, `adjective`")
        ]
        | None
    ) = None
    note: Annotated[Block, Field(max_length=bounds.NOTE)] | None = None


class DefinitionInput(Input):
    language: LanguageTag
    text: DefinitionText
    source: Title | None = Field(default=None, description="Where the definition is taken from.")


class ExampleInput(Input):
    language: LanguageTag
    text: ExampleText


class SourceInput(Input):
    title: Title
    url: Url | None = None


class RelationInput(Input):
    """Exactly one of `target_id` and `target_uri`."""

    kind: RelationKind = Field(
        description="What the target is: the `broader` concept, a `narrower` one, a `related` one, "
        "or the `same_as` this."
    )
    target_id: UUID | None = Field(
        default=None, description="An entry of any dictionary of this workspace."
    )
    target_uri: Url | None = Field(
        default=None, description="A concept that is kept elsewhere; only for `same_as`."
    )


class TermRead(Output):
    id: UUID
    language: str
    text: str
    status: TermStatus
    part_of_speech: str | None
    note: str | None


class DefinitionRead(Output):
    language: str
    text: str
    source: str | None


class ExampleRead(Output):
    language: str
    text: str


class EntrySourceRead(Output):
    title: str
    url: str | None


class EntryRelationRead(Output):
    kind: RelationKind
    target_id: UUID | None
    target_uri: str | None
