"""Evaluations and question sets, as they are asked for."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.paging import PageQuery
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, NotNull, Text, WholeNumber
from app.knowledge.search.schemas import QueryText, SearchConfiguration, SearchFilters

MOST_QUESTIONS = 1_000
MOST_RELEVANT = 50
Status = Literal["running", "completed", "failed", "cancelled"]


class RelevantInput(Input):
    """What a search should find: a document, an entry, a message, or one passage."""

    id: UUID
    grade: Annotated[WholeNumber, Field(ge=1, le=5, description="How well it answers.")] = 1


class QuestionInput(Input):
    question: QueryText
    relevant: Annotated[list[RelevantInput], Field(min_length=1, max_length=MOST_RELEVANT)]

    @model_validator(mode="after")
    def _names_each_once(self) -> "QuestionInput":
        if len({each.id for each in self.relevant}) < len(self.relevant):
            raise ValueError("an id must stand once")
        return self


Questions = Annotated[list[QuestionInput], Field(min_length=1, max_length=MOST_QUESTIONS)]
Description = Annotated[Text, Field(max_length=2000)]


class QuestionSetCreate(Input):
    """Questions to ask again and again."""

    name: Name
    description: Description = ""
    questions: Questions

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "House rules",
                    "questions": [
                        {
                            "question": "How long may a guest stay?",
                            "relevant": [{"id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}],
                        }
                    ],
                }
            ]
        }
    )


class QuestionSetUpdate(Input):
    name: Annotated[Name | None, NotNull] = None
    description: Annotated[Description | None, NotNull] = None
    questions: Annotated[Questions | None, NotNull] = None

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "House rules, 2027"}]})


class QuestionSetQuery(RestorableQuery):
    """Which question sets to list."""


class EvaluatedConfiguration(SearchConfiguration):
    """A way of ranking, by its label."""

    label: Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.:/+-]{0,63}$")]
    k: Annotated[
        WholeNumber, Field(ge=1, le=100, description="How many of the first are looked at.")
    ] = 10


Configurations = Annotated[list[EvaluatedConfiguration], Field(min_length=1, max_length=4)]
USUAL = (
    EvaluatedConfiguration(label="lexical", mode="lexical"),
    EvaluatedConfiguration(label="semantic", mode="semantic"),
    EvaluatedConfiguration(label="hybrid", mode="hybrid"),
)


class EvaluationCreate(Input):
    """Ask questions of one's own, each with every configuration; the first is compared with."""

    name: Name
    questions: Questions | None = Field(
        default=None, description="The questions themselves, or `question_set_id`."
    )
    question_set_id: UUID | None = None
    configurations: Configurations = Field(
        default=list(USUAL), description="Default: by words, by meaning, and both."
    )
    filters: SearchFilters = SearchFilters()

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Hybrid against words",
                    "question_set_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
                    "configurations": [
                        {"label": "words", "mode": "lexical"},
                        {"label": "both", "mode": "hybrid", "k": 10},
                    ],
                }
            ]
        }
    )

    @model_validator(mode="after")
    def _is_whole(self) -> "EvaluationCreate":
        if (self.questions is None) == (self.question_set_id is None):
            raise ValueError("give either `questions` or `question_set_id`")
        labels = {each.label for each in self.configurations}
        if len(labels) < len(self.configurations):
            raise ValueError("every configuration needs a label of its own")
        return self


class EvaluationQuery(RestorableQuery):
    status: Annotated[Status | None, Field(description="Only those in this state.")] = None
    question_set_id: Annotated[UUID | None, Field(description="Only those of this set.")] = None


class EvaluatedQuestionQuery(PageQuery):
    """Which questions to list."""
