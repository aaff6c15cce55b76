"""Import, export and probes of agents, on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.agents.definitions.schemas import AgentRead
from app.core.schema import FieldProblem, Input, Output, Text
from app.identity.versioned.schemas import VersionChoice, Visibility

MOST_CHARACTERS = 262_144
Format = Literal["json", "yaml", "a2a", "fast_agent"]
Capability = Literal["tools", "structured_output", "vision"]


class ImportedDocument(Input):
    """A text with an agent, or with several."""

    name: Annotated[
        Text | None,
        Field(max_length=200, description="Its file's name, which can tell the format."),
    ] = None
    content: Annotated[Text, Field(min_length=1, max_length=MOST_CHARACTERS)]


class AgentImport(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "documents": [
                        {
                            "name": "helper.md",
                            "content": "---\ntype: agent\nname: helper\n---\n\nYou help.\n",
                        }
                    ]
                }
            ]
        }
    )

    documents: Annotated[list[ImportedDocument], Field(min_length=1, max_length=32)]
    format: Annotated[
        Format | None, Field(description="Of all documents; null: each by its looks.")
    ] = None
    visibility: Visibility = "workspace"


class AgentImported(Output):
    """What was made, in the order of the documents, and what of them was left out."""

    data: list[AgentRead]
    warnings: list[FieldProblem]


class ExportQuery(VersionChoice):
    format: Format = "json"
    members: Annotated[
        bool,
        Field(description="With the agents that it names, as far as you see them."),
    ] = False


class AgentProbe(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"model": "demo/tools"}]})

    model: Annotated[
        Text | None,
        Field(min_length=1, max_length=200, description="Default: the one that the agent asks."),
    ] = None
    capabilities: Annotated[
        list[Capability] | None,
        Field(min_length=1, max_length=3, description="Default: what the agent needs of these."),
    ] = None


class ProbeResult(Output):
    """What a model says of itself, and what it did when it was asked to."""

    capability: Capability
    declared: bool | None = Field(description="Null where nobody says.")
    able: bool | None = Field(description="Null where the model could not be asked.")
    detail: str
    probed_at: datetime | None


class AgentProbed(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "openai/gpt-5-mini",
                    "data": [
                        {
                            "capability": "tools",
                            "declared": True,
                            "able": True,
                            "detail": "It called the tool.",
                            "probed_at": "2026-11-02T09:30:00Z",
                        }
                    ],
                }
            ]
        }
    )

    model: str
    data: list[ProbeResult]
