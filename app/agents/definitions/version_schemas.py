"""Versions of agents, their labels and differences, on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.agents.definitions.definition import AgentDefinition
from app.core.paging import PageQuery
from app.core.schema import Input, Output
from app.identity.versioned.schemas import Number, VersionNote

_VERSION: JsonDict = {
    "number": 3,
    "created_by_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
    "note": "Shorter runs.",
    "digest": "9f2c…",
    "created_at": "2026-11-02T09:30:00Z",
}


class AgentVersionQuery(PageQuery):
    pass


class AgentVersionRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_VERSION]})

    number: int
    created_by_id: UUID | None = Field(description="Null once they are forgotten.")
    note: str
    digest: str = Field(description="SHA-256 of the definition as sorted JSON.")
    created_at: datetime


class AgentVersionDetail(AgentVersionRead):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_VERSION, "definition": {"instructions": "Help."}}]}
    )

    definition: AgentDefinition


class DiffQuery(Input):
    """From an older version to a newer one, or the other way round."""

    from_version: Annotated[
        Number | None, Field(alias="from", description="Default: the one before the other.")
    ] = None
    to_version: Annotated[Number | None, Field(alias="to", description="Default: the newest.")] = (
        None
    )


class DefinitionChange(Output):
    """One difference; what was not there, or is not, is null."""

    pointer: str = Field(description="A JSON pointer into the definition.")
    action: Literal["added", "removed", "replaced"]
    old: Any
    new: Any


class DefinitionDiff(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "from_version": 2,
                    "to_version": 3,
                    "changes": [
                        {
                            "pointer": "/limits/steps",
                            "action": "replaced",
                            "old": 20,
                            "new": 8,
                        }
                    ],
                }
            ]
        }
    )

    from_version: int
    to_version: int
    changes: list[DefinitionChange]


class AgentRollback(Input):
    """An old version's definition becomes the newest version."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 2}]})

    version: Number
    note: VersionNote = ""
