"""What a search answers, on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, RootModel

from app.core.schema import Output
from app.knowledge.dictionary.entries.reads import EntryRead
from app.knowledge.search.question import Mode


class TextRange(Output):
    """From `start` up to `end`, in code points of the passage's text."""

    start: int
    end: int


class SearchFragment(Output):
    """The piece of a passage that shows best why it was found."""

    start: int = Field(description="Where it begins in the passage's text, in code points.")
    end: int
    text: str
    ranges: list[TextRange] = Field(
        description="The words that were looked for, counted from the beginning of the passage."
    )


class SearchScores(Output):
    """How a passage came to its place; null where a list has it not."""

    semantic_rank: int | None = Field(description="Its place among those found by meaning.")
    semantic_score: float | None = Field(description="The cosine similarity, from -1 to 1.")
    lexical_rank: int | None = Field(description="Its place among those found by words.")
    lexical_score: float | None = Field(description="As BM25 reckons it; 0 and above.")
    rerank_score: float | None
    graph_rank: int | None = Field(description="Its place among those that the graph leads to.")


class _Hit(Output):
    passage_id: UUID = Field(description="The chunk that was found.")
    score: float = Field(description="What the list is ordered by; comparable within it only.")
    scores: SearchScores
    title: str
    heading: str
    text: str
    language: str | None = Field(description="Null where no stemmer for it was used.")
    fragment: SearchFragment | None
    created_at: datetime


class DocumentCitation(Output):
    """Where a passage stands in its document."""

    document_id: UUID
    collection_id: UUID | None
    version: int | None = Field(description="The version of the document that was read.")
    page: int | None
    start: int | None = Field(description="Its place in the version's text, in code points.")
    end: int | None


class DocumentHit(_Hit):
    """A piece of a document."""

    kind: Literal["document"]
    citation: DocumentCitation


class EntryHit(_Hit):
    """A concept of a dictionary, in one of its languages."""

    kind: Literal["entry"]
    entry_id: UUID
    dictionary_id: UUID | None


class MessageHit(_Hit):
    """A piece of a message."""

    kind: Literal["message"]
    message_id: UUID
    conversation_id: UUID | None


class AgentHit(_Hit):
    kind: Literal["agent"]
    agent_id: UUID


class MemoryHit(_Hit):
    """What is remembered, and holds now."""

    kind: Literal["memory"]
    memory_id: UUID


class WorkflowHit(_Hit):
    kind: Literal["workflow"]
    workflow_id: UUID


class TemplateHit(_Hit):
    kind: Literal["template"]
    template_id: UUID


class SearchHit(
    RootModel[
        Annotated[
            DocumentHit | EntryHit | MessageHit | AgentHit | MemoryHit | WorkflowHit | TemplateHit,
            Field(discriminator="kind"),
        ]
    ]
):
    """One thing that was found; `kind` tells what."""


class SearchWarning(Output):
    """A part that could not be searched."""

    code: str
    detail: str


class SearchResults(Output):
    """What was found, best first."""

    mode: Mode
    data: list[SearchHit]
    warnings: list[SearchWarning]


class EntryMatch(Output):
    """An entry that was found, and the language in which it was found best."""

    entry: EntryRead
    score: float = Field(description="What the list is ordered by; comparable within it only.")
    scores: SearchScores
    language: str | None = Field(description="Null where no stemmer for it was used.")
    title: str = Field(description="The preferred term of that language.")
    fragment: SearchFragment | None


class EntrySearchResults(Output):
    """The entries that were found, best first."""

    mode: Mode
    data: list[EntryMatch]
    warnings: list[SearchWarning]


class Suggestion(Output):
    """What could be meant."""

    text: str
    kind: str


class Suggestions(Output):
    data: list[Suggestion]
