"""Models on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.core.paging import PageQuery
from app.core.schema import Money, Output, Text
from app.inference.providers.model_types import ModelType


class CapabilitiesRead(Output):
    """What the model can do; null where it is not known."""

    vision: bool | None
    tools: bool | None
    reasoning: bool | None
    structured_output: bool | None


class PriceRead(Output):
    """US dollars a million tokens as this workspace pays them, for inputs of usual length."""

    input: Money
    output: Money
    cached_input: Money
    cache_write: Money
    source: Literal["list", "override", "free"] = Field(
        description="The provider's list, an override of the workspace, or a model that is free."
    )


class ModelRead(Output):
    """A model of the workspace."""

    id: str = Field(description="`<integration slug>/<model>`: what a request's `model` takes.")
    name: str = Field(description="The provider's own name.")
    display_name: str
    type: ModelType
    provider: str = Field(description="The integration's kind.")
    integration_id: UUID | None = Field(
        description="Null for the built-in demo provider and the model on this machine."
    )
    demo: bool = Field(description="True for the demo provider, behind which there is no model.")
    capabilities: CapabilitiesRead
    context_window: int | None = Field(description="Tokens.")
    max_output_tokens: int | None
    price: PriceRead | None = Field(description="Null where no price is known.")
    deprecated: bool | None = Field(
        description="Whether it is on its way out; null where nobody says."
    )
    retires_at: str | None = Field(description="When the provider shuts it down (ISO 8601).")


class ModelQuery(PageQuery):
    type: ModelType | None = None
    provider: Annotated[Text | None, Field(max_length=40)] = None
    q: Annotated[Text | None, Field(max_length=100, description="Part of the name.")] = None
