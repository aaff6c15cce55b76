"""Packs on the wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from app.core.schema import Input, Output
from app.knowledge.dictionary.wording import LanguageTag
from app.knowledge.exchange.packs.vendors import Vendor

Status = Literal["proposed", "approved"]


class PackQuery(Input):
    vendor: Annotated[Vendor, Field(description="Whose model is to read it.")] = "generic"
    language: Annotated[
        LanguageTag | None,
        Field(description="The dictionary's first one, or `en`, if left out. `de` takes `de-AT`."),
    ] = None
    max_tokens: Annotated[
        int, Field(ge=200, le=100_000, description="The budget; a token is taken for 3 bytes.")
    ] = 2_000
    status: Annotated[
        list[Status] | None,
        Field(min_length=1, max_length=2, description="Only approved entries, if left out."),
    ] = None


class PackRead(Output):
    """A part of a system prompt; the same as long as nothing in the dictionary has changed."""

    dictionary_id: UUID
    vendor: Vendor
    language: str
    text: str
    tokens: int = Field(description="At most; counted with 3 bytes a token.")
    entries: int
    omitted: int = Field(description="Entries with terms in the language that found no room.")
    sha256: str = Field(description="Of the text; the answer's ETag holds it too.")
    request: dict[str, Any] = Field(
        description="The text as it stands in a request of this vendor's API."
    )
