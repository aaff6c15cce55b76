"""What a bundle holds, under its signature."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from app.core.schema import Input
from app.knowledge.exchange.sync.schemas import MOST_ENTRIES

TYPE = "luminous.dictionary.bundle"
Fields = Annotated[dict[str, Any], Field(max_length=2_000)]


class PayloadEntry(Input):
    """An entry as it is at the sender; a null `state` says that it was deleted there."""

    sync_id: UUID
    base_sequence: Annotated[int, Field(ge=0)]
    base: Fields | None
    state: Fields | None
    changed_at: AwareDatetime


class Payload(Input):
    """`issuer` and `recipient` are thumbprints of keys; `acks` are bundles of the recipient's."""

    type: Literal["luminous.dictionary.bundle"]
    version: Literal[1]
    issuer: str
    recipient: str
    dictionary_id: UUID
    sequence: Annotated[int, Field(ge=1)]
    created_at: AwareDatetime
    acks: Annotated[list[int], Field(max_length=500)]
    entries: Annotated[list[PayloadEntry], Field(max_length=MOST_ENTRIES)]
