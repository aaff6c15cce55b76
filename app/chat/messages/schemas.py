"""Messages on the wire."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, HttpUrl, model_validator

from app.core.paging import PageQuery
from app.core.schema import Input, Money, Output, Text

MAX_TEXT = 1_000_000
MAX_IMAGE_CHARACTERS = 14_000_000


def _base64(value: str) -> str:
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError("must be base64") from None
    return value


ImageData = Annotated[
    str, Field(min_length=1, max_length=MAX_IMAGE_CHARACTERS), AfterValidator(_base64)
]


class TextInput(Input):
    type: Literal["text"]
    text: Annotated[Text, Field(min_length=1, max_length=MAX_TEXT)]


class ImageInput(Input):
    """An image by its bytes (`data`, base64) or by its address (`url`)."""

    type: Literal["image"]
    media_type: Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
    data: ImageData | None = None
    url: Annotated[HttpUrl | None, Field(max_length=2000)] = None

    @model_validator(mode="after")
    def _one_source(self) -> "ImageInput":
        if (self.data is None) == (self.url is None):
            raise ValueError("give either `data` or `url`")
        return self


PartInput = Annotated[TextInput | ImageInput, Field(discriminator="type")]
Content = Annotated[
    Annotated[Text, Field(min_length=1, max_length=MAX_TEXT)]
    | Annotated[list[PartInput], Field(min_length=1, max_length=32)],
    Field(description="Text, or a list of parts."),
]


def parts_of(content: str | list[TextInput | ImageInput]) -> list[dict[str, Any]]:
    """Content as the parts that are stored."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [part.model_dump(mode="json", exclude_none=True) for part in content]


def text_of(parts: list[Any]) -> str:
    """The plain text of stored parts."""
    return "\n".join(part["text"] for part in parts if part["type"] == "text")


class TextPart(Output):
    type: Literal["text"]
    text: str


class ReasoningPart(Output):
    type: Literal["reasoning"]
    text: str


class ImagePart(Output):
    type: Literal["image"]
    media_type: str
    data: str | None = None
    url: str | None = None


PartRead = Annotated[TextPart | ReasoningPart | ImagePart, Field(discriminator="type")]


class SeamRead(Output):
    """Where another model took over an answer that broke off."""

    offset: int = Field(description="Characters of the text that stood already.")
    from_: str = Field(alias="from", description="The model that broke off.")
    to: str = Field(description="The model that went on.")
    reason: str = Field(description="The code of the error it broke off with.")


class SourceRead(Output):
    """A passage that the model was shown for its answer, which cites it as `[number]`."""

    number: int
    kind: str
    passage_id: UUID
    subject_id: UUID
    parent_id: UUID | None
    title: str
    heading: str
    quote: str = Field(description="What the model was shown of it.")
    version: int | None = Field(description="The document's version.")
    page: int | None
    start: int | None = Field(description="Where it begins in the document, in code points.")
    end: int | None
    score: float


class ViolationRead(Output):
    """A term in the answer that the dictionaries forbid."""

    start: int = Field(description="Where it begins in the text, in code points.")
    end: int
    surface: str
    preferred: list[str] = Field(description="The terms to use instead, the best first.")
    entry_id: UUID
    dictionary_id: UUID


class MessageRead(Output):
    id: UUID
    conversation_id: UUID
    parent_id: UUID | None
    role: Literal["user", "assistant"]
    status: Literal["complete", "streaming", "failed", "cancelled"]
    parts: list[PartRead]
    text: str
    model: str | None = Field(description="The model that answered; after seams, the last one.")
    route: str | None = Field(description="The route that chose it; null where it was named.")
    seams: list[SeamRead] = Field(description="Where one model took over from another.")
    sources: list[SourceRead] = Field(description="What the model was shown for this answer.")
    violations: list[ViolationRead] = Field(description="Terms that it should not have used.")
    run_id: UUID | None
    finish_reason: str | None
    error: dict[str, Any] | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Money | None
    created_at: datetime


class MessageQuery(PageQuery):
    branch: Annotated[
        Literal["current", "all"],
        Field(description="`current`: root to leaf of the shown branch. `all`: the whole tree."),
    ] = "current"
