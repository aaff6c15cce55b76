"""Agents of other services on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, NotNull, Output, Text, Version

Slug = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=40,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="Agents name it as the tool `a2a:<slug>`.",
    ),
]
CardUrl = Annotated[
    Text,
    Field(
        min_length=8,
        max_length=2000,
        description="Of its card; of a host alone, `/.well-known/agent-card.json` is read there.",
    ),
]
Credential = Annotated[
    Text | None,
    Field(
        min_length=1,
        max_length=200,
        description="The name or id of a tool credential; it is sent to the hosts it is for.",
    ),
]
Trusted = Annotated[
    bool, Field(description="Whether it is asked without a person's agreement each time.")
]
_EXAMPLE: JsonDict = {
    "slug": "translator",
    "card_url": "https://agents.example/.well-known/agent-card.json",
}


class A2aAgentCreate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    slug: Slug
    card_url: CardUrl
    name: Annotated[Name | None, Field(description="Default: as its card says.")] = None
    credential: Credential = None
    trusted: Trusted = False


class A2aAgentUpdate(Input):
    """A merge patch. Its card is read anew by `POST …/refresh`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"trusted": True}]})

    slug: Annotated[Slug | None, NotNull] = None
    name: Annotated[Name | None, NotNull] = None
    credential: Credential = None
    trusted: Annotated[bool | None, NotNull] = None


class A2aAgentQuery(RestorableQuery):
    q: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Part of the name.")
    ] = None


class A2aSkill(Output):
    id: str
    name: str
    description: str


class A2aAgentRead(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
                    **_EXAMPLE,
                    "name": "Translator",
                    "description": "Translates texts.",
                    "credential": None,
                    "trusted": False,
                    "url": "https://agents.example/rpc",
                    "skills": [{"id": "t", "name": "Translate", "description": "Texts."}],
                    "card_at": "2026-11-02T09:30:00Z",
                    "created_at": "2026-11-02T09:30:00Z",
                    "updated_at": "2026-11-02T09:30:00Z",
                    "deleted_at": None,
                    "restorable_until": None,
                    "version": 1,
                }
            ]
        }
    )

    id: UUID
    slug: str
    name: str
    description: str
    card_url: str
    credential: str | None
    trusted: bool
    url: str = Field(description="Where it is asked, as its card says.")
    skills: list[A2aSkill]
    card_at: datetime = Field(description="When its card was read.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version
