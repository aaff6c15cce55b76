"""What a public link shows of a conversation."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.chat.messages.schemas import ImagePart, TextPart
from app.core.schema import Output

_MESSAGE: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e71",
    "role": "assistant",
    "status": "complete",
    "parts": [{"type": "text", "text": "By the sea."}],
    "created_at": "2026-11-02T09:30:00Z",
}


class SharedConversation(Output):
    """A conversation as whoever holds a link sees it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "Holiday plans", "last_active_at": "2026-11-02T09:30:00Z"}]
        }
    )

    title: str
    last_active_at: datetime


class SharedMessage(Output):
    """A message of the branch that is shown: what was said, and nothing of how it came about."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MESSAGE]})

    id: UUID
    role: Literal["user", "assistant"]
    status: Literal["complete", "streaming", "failed", "cancelled"]
    parts: list[Annotated[TextPart | ImagePart, Field(discriminator="type")]]
    created_at: datetime
