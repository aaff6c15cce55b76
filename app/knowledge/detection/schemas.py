"""Detection on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.schema import Input, Output, Text
from app.knowledge.dictionary.draft import TermStatus
from app.knowledge.dictionary.wording import LanguageTag

MOST_CHARACTERS = 100_000


class DetectCreate(Input):
    text: Annotated[
        Text,
        Field(min_length=1, max_length=MOST_CHARACTERS, description="Where to look for terms."),
    ]
    dictionary_ids: Annotated[
        list[UUID] | None,
        Field(
            max_length=50,
            description="Whose terms to look for; null for the workspace's default dictionaries.",
        ),
    ] = None
    languages: Annotated[
        list[LanguageTag] | None,
        Field(max_length=50, description="Only terms of these languages (`de` includes `de-AT`)."),
    ] = None
    include_forbidden: bool = Field(default=True, description="Whether to show forbidden terms.")
    senses: Literal["auto", "lexical", "none"] = Field(
        default="auto",
        description="How to tell the senses of a term apart: `auto` compares its sentence with "
        "definitions and examples by embeddings, in up to 32 sentences of a text, and by shared "
        "words; `lexical` by shared words alone; `none` not at all.",
    )

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "The cell divides.", "languages": ["en"]}]}
    )


class SenseRead(Output):
    """Another concept that the term could mean."""

    entry_id: UUID
    dictionary_id: UUID
    confidence: float


class OccurrenceRead(Output):
    """A term in the text. Offsets are in Unicode code points."""

    start: int
    end: int
    surface: str = Field(description="What stands in the text.")
    term: str = Field(description="The term as the dictionary has it.")
    term_status: TermStatus
    language: str
    entry_id: UUID = Field(description="The concept that it most likely means here.")
    dictionary_id: UUID
    confidence: float = Field(description="From 0 to 1: how likely it means that.")
    senses: list[SenseRead] = Field(description="The other senses, the likeliest first.")


class DetectRead(Output):
    data: list[OccurrenceRead] = Field(description="In the order of the text; none overlap.")
    truncated: bool = Field(description="Whether there are more than are told: 5,000 at most.")
    told_by: Literal["embeddings", "words", "none"] = Field(
        description="How senses were told apart; `words` where no model could be asked."
    )
    dictionary_ids: list[UUID] = Field(description="Whose terms were looked for.")
