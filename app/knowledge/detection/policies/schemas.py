"""Policies of dictionaries on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.schema import Input, NotNull, Number, Output, Version, WholeNumber

Mode = Annotated[
    Literal["off", "advise", "flag"],
    Field(
        description="`advise`: the terms enter prompts. `flag`: and forbidden terms in answers "
        "appear as `term.violation` events. `off`: neither."
    ),
]
TokenBudget = Annotated[
    WholeNumber,
    Field(ge=0, le=8000, description="Tokens of terms in one prompt, at most; estimated."),
]
AcceptFrom = Annotated[
    Number,
    Field(
        ge=0.5,
        le=1,
        description="Subject fields that are suggested with at least this score are taken without "
        "asking anyone; null asks always.",
    ),
]


class DictionaryPolicyUpdate(Input):
    """A merge patch."""

    mode: Annotated[Mode | None, NotNull] = None
    token_budget: Annotated[TokenBudget | None, NotNull] = None
    accept_fields_from: AcceptFrom | None = None

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"mode": "flag", "token_budget": 800}]}
    )


class DictionaryPolicyRead(Output):
    dictionary_id: UUID
    mode: Mode
    token_budget: int
    accept_fields_from: float | None
    created_at: datetime
    updated_at: datetime
    version: Version
