"""How a workspace remembers, on the wire."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.core.schema import (
    DecimalText,
    Input,
    Money,
    NotNull,
    Output,
    Text,
    Version,
    WholeNumber,
)

Predicate = Annotated[Text, Field(min_length=1, max_length=200)]


class MemorySettingsUpdate(Input):
    """A merge patch."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"enabled": True, "daily_usd": "1.50"}]}
    )

    enabled: Annotated[
        bool | None, NotNull, Field(description="Whether facts are drawn from what people say.")
    ] = None
    model: Annotated[
        Text | None,
        Field(min_length=1, max_length=200, description="What draws them; null: the usual one."),
    ] = None
    daily_usd: Annotated[
        Decimal | None,
        Field(ge=0, le=1_000_000, description="Spent, nothing is drawn until midnight UTC."),
        DecimalText(),
    ] = None
    daily_tokens: Annotated[
        WholeNumber | None, Field(ge=0, le=1_000_000_000, description="Read and written, a day.")
    ] = None
    review: Annotated[
        Literal["auto", "propose"] | None,
        NotNull,
        Field(description="Whether they count at once, or once they are accepted."),
    ] = None
    multi_valued: Annotated[
        list[Predicate] | None,
        NotNull,
        Field(max_length=200, description="Predicates with several objects at a time."),
    ] = None


class MemorySettingsRead(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "enabled": True,
                    "model": None,
                    "daily_usd": "1.5",
                    "daily_tokens": None,
                    "review": "propose",
                    "multi_valued": ["likes", "speaks"],
                    "updated_at": "2026-11-02T09:30:00Z",
                    "version": 2,
                }
            ]
        }
    )

    enabled: bool
    model: str | None
    daily_usd: Money | None
    daily_tokens: int | None
    review: Literal["auto", "propose"]
    multi_valued: list[str]
    updated_at: datetime
    version: Version
