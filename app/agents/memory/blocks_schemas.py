"""Memory blocks on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.bulk import MOST_ITEMS
from app.core.restorable import RestorableQuery
from app.core.schema import Input, NotNull, Output, Text, Version

LONGEST_BLOCK = 8000
Label = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$",
        description="Its name in definitions; unique in the workspace, or of its agent.",
    ),
]
BlockText = Annotated[Text, Field(max_length=LONGEST_BLOCK)]
Description = Annotated[
    Text, Field(max_length=500, description="What it is for; agents that may edit it are told.")
]
_ID = "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"


class BlockCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"label": "house-style", "text": "We write plain English."}]
        }
    )

    label: Label
    text: BlockText = ""
    description: Description = ""
    read_only: Annotated[bool, Field(description="Agents may not change it; people may.")] = False
    agent_id: Annotated[UUID | None, Field(description="Of this agent alone.")] = None


class BlockUpdate(Input):
    """A merge patch."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "We write British."}]})

    label: Annotated[Label | None, NotNull] = None
    text: Annotated[BlockText | None, NotNull] = None
    description: Annotated[Description | None, NotNull] = None
    read_only: Annotated[bool | None, NotNull] = None


class BlockQuery(RestorableQuery):
    agent_id: Annotated[UUID | None, Field(description="Only this agent's.")] = None
    label: Annotated[Label | None, Field(description="Only the one with this label.")] = None


class BlockRead(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID,
                    "agent_id": None,
                    "created_by_id": _ID,
                    "label": "house-style",
                    "description": "",
                    "text": "We write plain English.",
                    "read_only": False,
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
    agent_id: UUID | None
    created_by_id: UUID | None
    label: str
    description: str
    text: str
    read_only: bool
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class BlockBulkItem(Input):
    action: Literal["delete", "restore"]
    id: UUID


class BlockBulk(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [{"action": "delete", "id": _ID}]}]}
    )

    items: Annotated[list[BlockBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]
