"""An OpenAPI document, as it is given to be made tools of."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from app.agents.credentials.schemas import CredentialName
from app.core.schema import Input, Text

# Of the text; the document itself has bounds of its own.
MOST_CHARACTERS = 8 * 1024 * 1024
MOST_OPERATIONS = 200
_ADDRESS = r"^https?://[^\s?#@{}]+$"

Address = Annotated[Text, StringConstraints(pattern=_ADDRESS, max_length=500)]
OperationName = Annotated[Text, Field(min_length=1, max_length=200)]


class OpenApiImport(Input):
    """A document, or where it is, and which of its operations become tools."""

    document: Annotated[
        Text | None,
        Field(min_length=2, max_length=MOST_CHARACTERS, description="As JSON or YAML."),
    ] = None
    url: Annotated[
        Text | None,
        Field(min_length=8, max_length=2000, description="Where it is, instead."),
    ] = None
    operations: Annotated[
        list[OperationName] | None,
        Field(
            min_length=1,
            max_length=MOST_OPERATIONS,
            description="By `operationId`, or `get /path`. Default: all.",
        ),
    ] = None
    tags: Annotated[
        list[OperationName] | None,
        Field(min_length=1, max_length=50, description="Only operations with one of these."),
    ] = None
    server: Annotated[
        Address | None, Field(description="The base URL; default: the document's first server.")
    ] = None
    prefix: Annotated[
        str,
        StringConstraints(pattern=r"^([a-z0-9][a-z0-9_-]{0,23})?$"),
        Field(description="Stands before each tool's slug."),
    ] = ""
    credentials: Annotated[
        dict[OperationName, CredentialName],
        Field(max_length=16, description="Which credential serves which security scheme."),
    ] = Field(default_factory=dict)
    on_conflict: Annotated[
        Literal["skip", "replace"],
        Field(description="Where there is a tool with that slug: keep it, or replace it."),
    ] = "skip"
    enabled: bool = True

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "url": "https://shop.example.com/openapi.json",
                    "operations": ["findOrder"],
                    "credentials": {"ApiKey": "shop"},
                }
            ]
        }
    )

    @model_validator(mode="after")
    def _has_one_document(self) -> "OpenApiImport":
        if (self.document is None) == (self.url is None):
            raise ValueError("give either `document` or `url`")
        return self
