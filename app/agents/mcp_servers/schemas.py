"""MCP servers on the wire, as they are asked for."""

import re
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from app.core.bulk import MOST_ITEMS
from app.core.paging import PageQuery
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, NotNull, Number, Text, WholeNumber

ServerStatus = Literal["new", "ready", "failing"]
# What would have the process run something else than its command.
_TAKEN = re.compile(
    r"PATH|HOME|IFS|ENV|BASH_ENV|SHELL.*|LD_.*|DYLD_.*|PYTHON.*|NODE_.*|PERL.*|RUBY.*|GIT_.*|JAVA_.*"
    r"|.*_PROXY|LUMINOUS_.*|DATABASE_URL|REDIS_URL|QDRANT_.*|SSL_.*|NPM_.*|UV_.*|PIP_.*"
)


def _no_loader(name: str) -> str:
    if _TAKEN.fullmatch(name):
        raise ValueError("may not be set: it says what the process runs or whom it believes")
    return name


Slug = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=24,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="Its name in references: `mcp:<slug>/<tool>`, `mcp:<slug>/*`.",
    ),
]
Description = Annotated[Text, Field(max_length=2000)]
ToolName = Annotated[Text, Field(min_length=1, max_length=200)]
CredentialRef = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=64,
        description="The name or id of a credential of `/v1/tools/credentials` that may go to the "
        "server's host: a token is sent as `Authorization: Bearer`, headers as they are.",
    ),
]
EnvName = Annotated[Text, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$"), AfterValidator(_no_loader)]


class StreamableHttp(Input):
    """A server at an address."""

    type: Literal["streamable_http"]
    url: Annotated[
        Text,
        Field(
            min_length=8,
            max_length=2000,
            pattern=r"^https?://[^\s\x00-\x1f\x7f]+$",
            description="Its endpoint.",
        ),
    ]


class Stdio(Input):
    """A process of this machine that is spoken to through its input and output.

    Only commands that the operator lists in `LUMINOUS_MCP_STDIO_COMMANDS` are started.
    """

    type: Literal["stdio"]
    command: Annotated[Text, Field(min_length=1, max_length=500)]
    args: Annotated[list[Annotated[Text, Field(max_length=1000)]], Field(max_length=32)] = Field(
        default_factory=list
    )
    env: Annotated[
        dict[EnvName, CredentialRef],
        Field(
            max_length=16,
            description="Names of variables, each with the credential (a token for the host "
            "`<slug>.stdio`) whose value it gets.",
        ),
    ] = Field(default_factory=dict)


Transport = Annotated[StreamableHttp | Stdio, Field(discriminator="type")]


class ToolOverride(Input):
    """What you know of a tool better than its server; what is left out stays as it is."""

    effects: Literal["none", "read", "write", "external"] | None = None
    approval: Literal["never", "always"] | None = None
    idempotent: bool | None = None
    seconds: Annotated[Number | None, Field(ge=1, le=600)] = None
    characters: Annotated[WholeNumber | None, Field(ge=100, le=200_000)] = None


Filter = Annotated[list[ToolName], Field(max_length=200)]
Overrides = Annotated[dict[ToolName, ToolOverride], Field(max_length=200)]
Timeout = Annotated[
    Number, Field(ge=1, le=600, description="Seconds that a call of a tool may take.")
]
Trusted = Annotated[
    bool,
    Field(
        description="Whether what the server says of its tools' effects is believed. A tool of a "
        "server that is not trusted always asks for approval, unless you override it."
    ),
]


class McpServerCreate(Input):
    name: Name
    slug: Slug
    description: Description = ""
    transport: Transport
    credential: CredentialRef | None = None
    trusted: Trusted = False
    allow: Annotated[
        Filter | None, Field(description="The only tools that may be used; null: all.")
    ] = None
    deny: Annotated[Filter, Field(description="Tools that may not be used.")] = Field(
        default_factory=list
    )
    overrides: Overrides = Field(default_factory=dict)
    timeout_seconds: Timeout = 60.0

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Company wiki",
                    "slug": "wiki",
                    "transport": {"type": "streamable_http", "url": "https://wiki.example.com/mcp"},
                    "credential": "wiki",
                    "deny": ["delete_page"],
                    "overrides": {"search": {"effects": "read", "approval": "never"}},
                }
            ]
        }
    )


class McpServerUpdate(Input):
    """A merge patch; `overrides` are replaced whole."""

    name: Annotated[Name | None, NotNull] = None
    slug: Annotated[Slug | None, NotNull] = None
    description: Annotated[Description | None, NotNull] = None
    transport: Annotated[Transport | None, NotNull] = None
    credential: CredentialRef | None = None
    trusted: Annotated[Trusted | None, NotNull] = None
    allow: Filter | None = None
    deny: Annotated[Filter | None, NotNull] = None
    overrides: Annotated[Overrides | None, NotNull] = None
    timeout_seconds: Annotated[Timeout | None, NotNull] = None

    model_config = ConfigDict(json_schema_extra={"examples": [{"deny": ["delete_page"]}]})


class McpServerQuery(RestorableQuery):
    status: Annotated[ServerStatus | None, Field(description="Only those in this state.")] = None


class McpToolQuery(PageQuery):
    """Which tools to list."""


class McpConfirm(Input):
    """Which tools may be used as they are now."""

    tools: Annotated[
        dict[ToolName, Annotated[Text, Field(pattern=r"^[0-9a-f]{64}$")]] | None,
        Field(
            max_length=500,
            description="Their names, each with the `digest` that you saw; null: all that the "
            "server was last found to have.",
        ),
    ] = None

    model_config = ConfigDict(json_schema_extra={"examples": [{"tools": None}]})


class McpServerBulkItem(Input):
    action: Literal["delete", "restore"]
    id: UUID


class McpServerBulk(Input):
    items: Annotated[list[McpServerBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]}
            ]
        }
    )
