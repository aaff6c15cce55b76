"""The tools' catalogue on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.core.paging import PageQuery
from app.core.schema import Output, Text


class ToolQuery(PageQuery):
    """Which tools to list; they stand in the order of their references."""

    source: Annotated[
        Text | None,
        Field(max_length=40, description="Only of `builtin`, `custom`, `mcp` …"),
    ] = None
    q: Annotated[
        Text | None,
        Field(min_length=1, max_length=100, description="In the reference or the description."),
    ] = None
    ready: Annotated[bool | None, Field(description="Only those that can be used now.")] = None


class ToolTraitsRead(Output):
    """What the runtime goes by."""

    effects: Literal["none", "read", "write", "external"] = Field(
        description="What a call does beside its answer."
    )
    idempotent: bool
    seconds: float = Field(description="How long a call may take.")
    characters: int = Field(description="How much of its answer a model is given.")
    scopes: list[str] = Field(description="What whoever runs the agent must be allowed.")
    approval: Literal["never", "always", "unseen_url"] = Field(
        description="Whether a person must agree, where the agent does not say it."
    )


class ToolRead(Output):
    """A tool that an agent can name."""

    reference: str = Field(description="What a definition names it by.")
    source: str
    name: str
    description: str
    parameters: dict[str, Any] = Field(description="The JSON Schema of its arguments.")
    config: dict[str, Any] = Field(description="The JSON Schema of what a definition may set.")
    traits: ToolTraitsRead
    ready: bool
    missing: str | None = Field(description="What it lacks.")
