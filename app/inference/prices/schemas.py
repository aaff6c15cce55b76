"""Prices on the wire."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from app.core.restorable import RestorableQuery
from app.core.schema import DecimalText, Input, Money, NotNull, Output, Text, Version, WholeNumber

MOST_OVERRIDES = 1000
_OVERRIDE: JsonDict = {
    "integration": "our-gpus",
    "model": "llama-*",
    "input": "0.20",
    "output": "0.60",
    "note": "What the machines cost by the hour, by the tokens that they make.",
}

Rate = Annotated[
    Money,
    Field(
        ge=0,
        le=1_000_000,
        decimal_places=6,
        max_digits=13,
        description="US dollars a million tokens.",
    ),
    DecimalText(),
]
Each = Annotated[
    Money,
    Field(ge=0, le=1_000_000, decimal_places=9, max_digits=16, description="US dollars."),
    DecimalText(),
]
Slug = Annotated[Text, Field(min_length=1, max_length=40, description="An integration's slug.")]
ModelPattern = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=200,
        description="A provider's own name of a model, or a pattern (`llama-*`); not case-bound.",
    ),
]


class PriceTier(Input):
    """What tokens cost once a call's whole input is longer than `above`."""

    model_config = ConfigDict(from_attributes=True)

    above: Annotated[WholeNumber, Field(ge=1, le=100_000_000, description="Input tokens.")]
    input: Rate
    output: Rate
    cached_input: Rate | None = None
    cache_write: Rate | None = None


def _each_once(tiers: list[PriceTier]) -> list[PriceTier]:
    if len({tier.above for tier in tiers}) < len(tiers):
        raise ValueError("must name each length of input once")
    return tiers


Tiers = Annotated[
    list[PriceTier],
    Field(max_length=8, description="Other prices for longer inputs."),
    AfterValidator(_each_once),
]
Note = Annotated[Text, Field(max_length=500, description="What you want to remember of it.")]


class PriceOverrideCreate(Input):
    """What is left out costs nothing; cached input and cache writes cost what input does."""

    model_config = ConfigDict(json_schema_extra={"examples": [_OVERRIDE]})

    integration: Slug | None = Field(None, description="Null: of any integration.")
    model: ModelPattern
    input: Rate = Decimal(0)
    output: Rate = Decimal(0)
    cached_input: Rate | None = None
    cache_write: Rate | None = None
    call: Each = Field(Decimal(0), description="US dollars for each call.")
    image: Each = Field(Decimal(0), description="US dollars for each image that is made.")
    minute: Each = Field(Decimal(0), description="US dollars for each minute of sound.")
    tiers: Tiers = Field(default_factory=list)
    note: Note = ""


class PriceOverrideUpdate(Input):
    """A merge patch: what is absent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"output": "0.75"}]})

    integration: Slug | None = None
    model: Annotated[ModelPattern | None, NotNull] = None
    input: Annotated[Rate | None, NotNull] = None
    output: Annotated[Rate | None, NotNull] = None
    cached_input: Rate | None = None
    cache_write: Rate | None = None
    call: Annotated[Each | None, NotNull] = None
    image: Annotated[Each | None, NotNull] = None
    minute: Annotated[Each | None, NotNull] = None
    tiers: Annotated[Tiers | None, NotNull] = None
    note: Annotated[Note | None, NotNull] = None


class PriceOverrideQuery(RestorableQuery):
    integration: Slug | None = None


class PriceTierRead(Output):
    """What tokens cost once a call's whole input is longer than `above`."""

    above: int = Field(description="Input tokens.")
    input: Money
    output: Money
    cached_input: Money | None = Field(description="Null: as input.")
    cache_write: Money | None = Field(description="Null: as input.")


class EffectivePriceTierRead(PriceTierRead):
    """The same, with what the provider's list has prices of its own for."""

    cached_input: Money
    cache_write: Money
    reasoning: Money | None = Field(description="Null: as output.")
    hour_write: Money | None = Field(
        description="Cache writes that are kept for an hour. Null: as cache writes."
    )
    audio_input: Money | None = Field(description="Null: as input.")
    image_input: Money | None = Field(description="Null: as input.")
    video_input: Money | None = Field(description="Null: as input.")
    cached_audio: Money | None = Field(description="Null: as cached input.")
    cached_image: Money | None = Field(description="Null: as cached input.")
    audio_output: Money | None = Field(description="Null: as output.")
    image_output: Money | None = Field(description="Null: as output.")


class PriceOverrideRead(Output):
    id: UUID
    integration: str | None = Field(description="Null: of any integration.")
    model: str
    input: Money
    output: Money
    cached_input: Money | None = Field(description="Null: as input.")
    cache_write: Money | None = Field(description="Null: as input.")
    call: Money = Field(description="US dollars for each call.")
    image: Money = Field(description="US dollars for each image that is made.")
    minute: Money = Field(description="US dollars for each minute of sound.")
    tiers: list[PriceTierRead]
    note: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class DiscountTerms(Input):
    """Per cent off a provider's list: of one integration, of one kind, or of everything."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{"kind": "openai", "percent": "12"}]}
    )

    percent: Annotated[
        Decimal,
        Field(ge=0, le=100, decimal_places=4, description="0 to 100, as a decimal number."),
        DecimalText(),
    ]
    integration: Slug | None = None
    kind: Annotated[Text | None, Field(max_length=40, description="A kind of provider.")] = None

    @model_validator(mode="after")
    def _of_one_thing(self) -> Self:
        if self.integration is not None and self.kind is not None:
            raise ValueError("must name an integration or a kind, not both")
        return self


def _of_each_once(discounts: list[DiscountTerms]) -> list[DiscountTerms]:
    if len({(d.integration, d.kind) for d in discounts}) < len(discounts):
        raise ValueError("must name each integration and kind once")
    return discounts


class PriceSettingsUpdate(Input):
    """A merge patch: what is absent stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"currency": "EUR", "units_per_usd": "0.92"}]}
    )

    currency: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None,
        NotNull,
        Field(description="ISO 4217 code of the currency that reports show beside US dollars."),
    ] = None
    units_per_usd: Annotated[
        Annotated[
            Decimal,
            Field(gt=0, le=1_000_000_000, decimal_places=9, max_digits=18),
            DecimalText(),
        ]
        | None,
        NotNull,
        Field(description="What one US dollar is in it; you set it, and no one changes it."),
    ] = None
    discounts: Annotated[
        Annotated[list[DiscountTerms], Field(max_length=50), AfterValidator(_of_each_once)] | None,
        NotNull,
        Field(description="An integration's goes before its kind's, and that before everything's."),
    ] = None


class DiscountRead(Output):
    """Per cent off a provider's list."""

    percent: Money = Field(description="0 to 100, as a decimal number in a string.")
    integration: str | None
    kind: str | None


class PriceSettingsRead(Output):
    currency: str = Field(description="ISO 4217 code.")
    units_per_usd: Money = Field(description="What one US dollar is in the currency.")
    discounts: list[DiscountRead]
    updated_at: datetime
    version: Version


class PriceQuery(Input):
    model: Annotated[
        Text | None,
        Field(
            min_length=1,
            max_length=200,
            description="As a request's `model` names it; left out, the default model.",
        ),
    ] = None
    processing: Annotated[
        Literal["batch"] | None, Field(description="The price of the provider's batch API.")
    ] = None
    service_tier: Annotated[
        Text | None, Field(max_length=40, description="The provider's word: `flex`, `priority` …")
    ] = None


class EffectivePriceRead(Output):
    """What a call of a model costs this workspace, discounts taken off."""

    model: str = Field(description="`<integration slug>/<model>`.")
    known: bool = Field(description="False where nobody knows a price; then all others are null.")
    source: Literal["list", "override", "free"] | None = Field(
        description="The provider's list, an override of yours, or a model that costs nothing."
    )
    override_id: UUID | None
    discount_percent: Money | None = Field(description="Off the list, in per cent.")
    tiers: list[EffectivePriceTierRead] = Field(
        description="By `above`; the first holds from 0 tokens."
    )
    call: Money | None = Field(description="US dollars for each call.")
    image: Money | None = Field(description="US dollars for each image that is made.")
    minute: Money | None = Field(description="US dollars for each minute of sound.")
    currency: str = Field(description="The workspace's currency of display.")
    units_per_usd: Money = Field(description="What one US dollar is in it.")
