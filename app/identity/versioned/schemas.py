"""What versioned things have in common on the wire."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.core.schema import Input, Text, WholeNumber

Description = Annotated[Text, Field(max_length=2000)]
Visibility = Annotated[
    Literal["workspace", "private"],
    Field(description="A private one is seen by its owner, and by those it is shared with."),
]
VersionNote = Annotated[
    Text, Field(max_length=500, description="Why this version was made, in your words.")
]
Label = Annotated[Text, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
Number = Annotated[WholeNumber, Field(ge=1, le=1_000_000, description="The number of a version.")]
SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class VersionChoice(Input):
    """Which version; by neither of the two the newest one."""

    version: Annotated[WholeNumber | None, Field(ge=1, le=1_000_000)] = None
    label: Annotated[
        Label | None, Field(description="`draft` is the newest one; `version` goes before it.")
    ] = None


class LabelPut(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 1}]})

    version: Number
