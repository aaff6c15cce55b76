"""Guardrails on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, NotNull, Output, Text, Version
from app.inference.guardrails.check_schemas import GuardrailCheck
from app.inference.usage.call_scope import CallScope, CallScopeRead

ChecksField = Annotated[
    list[GuardrailCheck],
    Field(min_length=1, max_length=20, description="Made in this order; all of them."),
]
Description = Annotated[Text, Field(max_length=2000, description="What it is for.")]
Tried = Annotated[
    Literal["input", "output"], Field(description="Whether to try it as a request or an answer.")
]


class GuardrailCreate(Input):
    name: Name
    description: Description = ""
    enabled: bool = True
    applies_to: Annotated[CallScope, Field(default_factory=CallScope)]
    checks: ChecksField

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "No secrets to providers",
                    "checks": [
                        {"kind": "secrets", "action": "refuse", "stage": "input"},
                        {"kind": "personal_data", "action": "mask", "entities": ["EMAIL"]},
                    ],
                }
            ]
        }
    )


class GuardrailUpdate(Input):
    """A merge patch: what is absent stays as it is; `applies_to` and `checks` are set whole."""

    name: Annotated[Name | None, NotNull] = None
    description: Annotated[Description | None, NotNull] = None
    enabled: Annotated[bool | None, NotNull] = None
    applies_to: Annotated[CallScope | None, NotNull] = None
    checks: Annotated[ChecksField | None, NotNull] = None


class GuardrailQuery(RestorableQuery):
    enabled: Annotated[bool | None, Field(description="Only those that are on, or off.")] = None


class GuardrailRead(Output):
    id: UUID
    name: str
    description: str
    enabled: bool
    applies_to: CallScopeRead
    checks: list[GuardrailCheck]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class GuardrailTrial(Input):
    text: Annotated[Text, Field(min_length=1, max_length=100_000, description="What to check.")]
    stage: Tried = "input"

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "Write to ann@example.com", "stage": "input"}]}
    )


class GuardrailFinding(Output):
    """What one check found; never the text itself."""

    check: str = Field(description="The kind of the check.")
    label: str = Field(description="What it is: `EMAIL`, `AWS_ACCESS_KEY`, a rule's name.")
    action: Literal["mask", "replace", "refuse", "flag"]
    score: float | None = Field(description="From 0 to 1, where the check gives one.")
    reason: str = Field(description="Why, where the check can say so.")
    start: int | None = Field(description="Where it begins, in characters, if it has a place.")
    end: int | None = Field(description="Where it ends.")


class GuardrailTrialRead(Output):
    refused: bool = Field(description="Whether the call would have been refused.")
    text: str = Field(description="The text as the model, or the client, would get it.")
    findings: list[GuardrailFinding]
    failed: list[str] = Field(description="Kinds of checks that could not be made.")
