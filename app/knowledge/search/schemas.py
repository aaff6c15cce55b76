"""What is asked of a search, on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from app.core.schema import Input, Number, Text, WholeNumber
from app.knowledge.search.question import (
    DOCUMENT,
    ENTRY,
    Filters,
    Mode,
    Question,
    Reranking,
    Weights,
)

MOST_IDS = 200
Kind = Literal["document", "entry", "message", "agent", "memory", "workflow", "template"]
Ids = Annotated[list[UUID], Field(min_length=1, max_length=MOST_IDS)]
QueryText = Annotated[Text, Field(min_length=1, max_length=2000)]
Language = Annotated[Text, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", max_length=35)]
ModelName = Annotated[Text, Field(min_length=1, max_length=300)]


class SearchFilters(Input):
    """What is wanted of all that you may see; what is left out is not filtered by.

    A filter by collections or documents leaves documents alone, one by dictionaries or entries
    entries alone, unless `kinds` says otherwise.
    """

    kinds: Annotated[list[Kind] | None, Field(min_length=1, max_length=7)] = None
    collections: Ids | None = None
    documents: Ids | None = None
    dictionaries: Ids | None = None
    entries: Ids | None = None
    languages: Annotated[
        list[Language] | None,
        Field(
            min_length=1,
            max_length=20,
            description="Language tags. Languages without a stemmer of their own count as one.",
        ),
    ] = None
    since: AwareDatetime | None = Field(default=None, description="Taken in at this time or later.")
    until: AwareDatetime | None = Field(default=None, description="Taken in before this time.")

    def filters(self) -> Filters:
        parents = {DOCUMENT: self.collections, ENTRY: self.dictionaries}
        subjects = {DOCUMENT: self.documents, ENTRY: self.entries}
        return Filters(
            kinds=frozenset(self.kinds) if self.kinds else None,
            parents={kind: tuple(ids) for kind, ids in parents.items() if ids},
            subjects={kind: tuple(ids) for kind, ids in subjects.items() if ids},
            languages=tuple(self.languages) if self.languages else None,
            since=self.since,
            until=self.until,
        )


class SearchWeights(Input):
    """How much a place in either list counts, beside the other."""

    semantic: Annotated[Number, Field(ge=0, le=10)] = 1.0
    lexical: Annotated[Number, Field(ge=0, le=10)] = 1.0


class SearchReranking(Input):
    """A second look at the best, by a model."""

    model: ModelName = Field(
        description="A rerank model (`voyage/rerank-2.5`), or any chat model or route as a judge."
    )
    candidates: Annotated[
        WholeNumber, Field(ge=1, le=100, description="How many of the best it looks at.")
    ] = 50


class SearchConfiguration(Input):
    """How a search ranks."""

    mode: Mode = Field(
        default="hybrid",
        description="`semantic`: by meaning; `lexical`: by words; `hybrid`: both lists in one.",
    )
    weights: SearchWeights = SearchWeights()
    rerank: SearchReranking | None = None
    per_subject: Annotated[
        WholeNumber | None,
        Field(ge=1, le=100, description="At most so many passages of one document or message."),
    ] = None
    graph: bool = Field(
        default=False,
        description="Go on to passages about the same entities as the best, and those beside them.",
    )

    def question(self, text: str, filters: Filters, limit: int, *, highlights: bool) -> Question:
        reranking = None
        if self.rerank is not None:
            reranking = Reranking(self.rerank.model, self.rerank.candidates)
        return Question(
            text,
            mode=self.mode,
            filters=filters,
            limit=limit,
            weights=Weights(self.weights.semantic, self.weights.lexical),
            reranking=reranking,
            per_subject=self.per_subject,
            highlights=highlights,
            graph=self.graph,
        )


class SearchCreate(SearchConfiguration):
    """One question to everything that you may see, or to a part of it."""

    query: QueryText = Field(
        description=(
            'Words or a question. For the words alone: `"these together"`, `begin*`, `-without`.'
        )
    )
    filters: SearchFilters = SearchFilters()
    limit: Annotated[WholeNumber, Field(ge=1, le=100)] = 10
    highlights: bool = Field(default=True, description="Show the best fragment of each.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "query": "how long may a guest stay",
                    "filters": {"kinds": ["document", "entry"], "languages": ["en"]},
                    "limit": 10,
                }
            ]
        }
    )

    def asked(self) -> Question:
        return self.question(
            self.query, self.filters.filters(), self.limit, highlights=self.highlights
        )


class EntrySearchQuery(Input):
    """Which entries to look for."""

    q: Annotated[Text, Field(min_length=1, max_length=2000, description="Words or a question.")]
    mode: Annotated[Mode, Field(description="By words, by meaning, or both.")] = "hybrid"
    dictionary_id: Annotated[UUID | None, Field(description="Only of this dictionary.")] = None
    language: Annotated[Language | None, Field(description="Only in this language.")] = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class SuggestionQuery(Input):
    """What stands in the field so far."""

    q: Annotated[Text, Field(min_length=1, max_length=200, description="What was typed so far.")]
    kinds: Annotated[list[Kind] | None, Field(max_length=6, description="Only of these kinds.")] = (
        None
    )
    limit: Annotated[int, Field(ge=1, le=20)] = 8
