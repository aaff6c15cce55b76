"""A workspace's own tools, as they are asked for."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from app.agents.credentials.hosts import HostPattern
from app.agents.credentials.schemas import CredentialName, HeaderName
from app.agents.tools.tool import MOST_OUTPUT_CHARACTERS
from app.core.auth import Permission
from app.core.bulk import MOST_ITEMS
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, NotNull, Text, WholeNumber

MOST_SECONDS = 120
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
ToolSlug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$"),
    Field(description="What models call it by; agents name it as `custom:<slug>`."),
]
Description = Annotated[
    Text, Field(min_length=1, max_length=4000, description="What it does, told to the model.")
]
Argument = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Parameters = Annotated[
    dict[str, Any],
    Field(
        max_length=32,
        description="The JSON Schema (2020-12) of the arguments: an object, at most 64 KiB.",
    ),
]
HeaderText = Annotated[str, StringConstraints(pattern=r"^[ -~]{0,1000}$")]


class Placement(Input):
    """Where an argument stands in the request."""

    location: Annotated[
        Literal["path", "query", "header", "body", "content"],
        Field(description="`body`: a field of it; `content`: all of it.", alias="in"),
    ]
    name: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Default: the argument's.")
    ] = None
    explode: Annotated[
        bool, Field(description="In a query: each item of a list by itself, or with commas.")
    ] = True

    model_config = ConfigDict(populate_by_name=True)


class CredentialPlacement(Input):
    """A credential of the workspace, and where it stands; it goes to its own hosts only."""

    name: CredentialName
    location: Annotated[
        Literal["bearer", "header", "query"],
        Field(description="Of a token; others have their own places.", alias="in"),
    ] = "bearer"
    field: Annotated[
        str | None,
        StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}$"),
        Field(description="The name of the header or of the query's parameter."),
    ] = None

    model_config = ConfigDict(populate_by_name=True)


class RequestTemplate(Input):
    """What is sent.

    An argument that neither the address nor `places` names goes to the query of a GET, HEAD or
    DELETE, and else to the body.
    """

    method: Method = "GET"
    url: Annotated[
        Text,
        Field(
            min_length=10,
            max_length=2000,
            description="`https://api.example.com/users/{id}`: arguments in its path only.",
        ),
    ]
    places: Annotated[dict[Argument, Placement], Field(max_length=64)] = Field(default_factory=dict)
    query: Annotated[
        dict[
            Annotated[str, Field(min_length=1, max_length=200)],
            Annotated[Text, Field(max_length=1000)],
        ],
        Field(max_length=32, description="Sent with every call."),
    ] = Field(default_factory=dict)
    headers: Annotated[
        dict[HeaderName, HeaderText],
        Field(max_length=32, description="Sent with every call; secrets belong in a credential."),
    ] = Field(default_factory=dict)
    body_format: Literal["json", "form"] = "json"
    credential: CredentialPlacement | None = None


class ResultShape(Input):
    """What the model is given of the answer."""

    pointer: Annotated[
        Text,
        Field(max_length=500, pattern=r"^(/.*)?$", description="Of JSON, this part (RFC 6901)."),
    ] = ""
    characters: Annotated[WholeNumber, Field(ge=1000, le=MOST_OUTPUT_CHARACTERS)] = 20_000


class Policy(Input):
    """What the tool may do, and who must agree. Null: what its method suggests."""

    effects: Annotated[
        Literal["none", "read", "write", "external"] | None,
        Field(description="Null: `read` for GET and HEAD, else `external`."),
    ] = None
    approval: Annotated[
        Literal["never", "always", "unseen_url"] | None,
        Field(description="Null: `never` for GET and HEAD, else `always`."),
    ] = None
    idempotent: Annotated[
        bool | None,
        Field(description="Whether it may be called again after a crash. Null: GET and HEAD."),
    ] = None
    seconds: Annotated[WholeNumber, Field(ge=1, le=MOST_SECONDS)] = 30
    hosts: Annotated[
        list[HostPattern],
        Field(max_length=32, description="Where it may call; empty: the address's host only."),
    ] = Field(default_factory=list)
    scopes: Annotated[
        list[Permission],
        Field(max_length=16, description="What whoever runs the agent must be allowed."),
    ] = Field(default_factory=list)


class CustomToolCreate(Input):
    slug: ToolSlug
    name: Annotated[Name | None, Field(description="For people; default: the slug.")] = None
    description: Description
    parameters: Parameters = Field(default_factory=lambda: {"type": "object", "properties": {}})
    request: RequestTemplate
    result: ResultShape = ResultShape()
    policy: Policy = Policy()
    enabled: bool = True

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "slug": "find-order",
                    "description": "Finds an order by its number.",
                    "parameters": {
                        "type": "object",
                        "properties": {"number": {"type": "string"}},
                        "required": ["number"],
                    },
                    "request": {
                        "url": "https://shop.example.com/orders/{number}",
                        "credential": {"name": "shop", "in": "header", "field": "X-Api-Key"},
                    },
                    "result": {"pointer": "/order"},
                }
            ]
        }
    )


class CustomToolUpdate(Input):
    """A merge patch; `request`, `result` and `policy` are replaced whole."""

    name: Annotated[Name | None, NotNull] = None
    description: Annotated[Description | None, NotNull] = None
    parameters: Annotated[Parameters | None, NotNull] = None
    request: Annotated[RequestTemplate | None, NotNull] = None
    result: Annotated[ResultShape | None, NotNull] = None
    policy: Annotated[Policy | None, NotNull] = None
    enabled: Annotated[bool | None, NotNull] = None

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})


class CustomToolQuery(RestorableQuery):
    enabled: Annotated[bool | None, Field(description="Only those.")] = None
    imported: Annotated[
        bool | None, Field(description="Only those out of OpenAPI, or made by hand.")
    ] = None


class CustomToolBulkItem(Input):
    action: Literal["delete", "restore", "enable", "disable"]
    id: UUID


class CustomToolBulk(Input):
    items: Annotated[list[CustomToolBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]


class CustomToolTrial(Input):
    """Arguments to call a tool with, as a model would send them."""

    arguments: Annotated[dict[str, Any], Field(max_length=64)] = Field(default_factory=dict)
    send: Annotated[bool, Field(description="False: only show what would be sent.")] = True

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"arguments": {"number": "A-17"}, "send": False}]}
    )
