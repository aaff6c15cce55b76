"""The catalogue of a workspace: its endpoints' listings, with what is known of each model."""

from typing import Any
from uuid import UUID

from app.core.auth import Access
from app.core.kernel import Kernel
from app.core.paging import Slice, binding_of
from app.inference.catalog.capabilities import capabilities_of
from app.inference.catalog.retirement import deprecated
from app.inference.catalog.schemas import CapabilitiesRead, ModelQuery, ModelRead, PriceRead
from app.inference.integrations.directory import Directory, Endpoint, Target
from app.inference.prices.listed import find_model
from app.inference.prices.price import Price
from app.inference.prices.pricing import Pricing
from app.inference.prices.showing import rates
from app.inference.providers.model_types import type_of

LISTING_LASTS_SECONDS = 24 * 3600
# What providers ask, where nobody asks for a workspace's own prices.
LISTED = Pricing()


def page(
    kernel: Kernel, models: list[ModelRead], access: Access, query: ModelQuery
) -> Slice[ModelRead]:
    """One page of the models, by id."""
    descending = query.descends(by_default=False)
    found = [model for model in models if _matches(model, query)]
    found.sort(key=lambda model: model.id, reverse=descending)
    total = len(found) if query.include == "total" else None
    binding = binding_of(f"models.{descending}", query, access.workspace_id)
    if query.cursor:
        (last,) = kernel.cursors.decode(query.cursor, binding)
        found = [model for model in found if (model.id < last if descending else model.id > last)]
    shown, has_more = found[: query.limit], len(found) > query.limit
    cursor = kernel.cursors.encode([shown[-1].id], binding) if has_more else None
    return Slice(shown, has_more, cursor, total)


async def every(
    directory: Directory, workspace_id: UUID, pricing: Pricing = LISTED
) -> list[ModelRead]:
    """All models of a workspace, in the order of its integrations.

    Listings that are missing or old are asked for first.
    """
    await directory.refresh(workspace_id, older_than=LISTING_LASTS_SECONDS)
    endpoints = await directory.endpoints(workspace_id)
    return [
        _model(endpoint, listed, pricing) for endpoint in endpoints for listed in endpoint.models
    ]


def _matches(model: ModelRead, query: ModelQuery) -> bool:
    return (
        (query.type is None or model.type == query.type)
        and (query.provider is None or model.provider == query.provider)
        and (query.q is None or query.q.lower() in model.id.lower())
    )


def context_window(target: Target) -> int | None:
    """Tokens that the target's model can read, or None where nobody says."""
    endpoint, name = target.endpoint, target.model
    listed = next((model for model in endpoint.models if model["name"] == name), {})
    return _window(endpoint.kind, name, listed)


def _window(kind: str, name: str, listed: dict[str, Any]) -> int | None:
    """The provider's own word goes before the price list's."""
    if listed.get("context_window"):
        return int(listed["context_window"])
    known = find_model(kind, name)
    return known.context_window if known else None


def _model(endpoint: Endpoint, listed: dict[str, Any], pricing: Pricing) -> ModelRead:
    name = str(listed["name"])
    known = find_model(endpoint.kind, name)
    price = pricing.price(endpoint, name)
    return ModelRead.model_validate(
        {
            "id": f"{endpoint.slug}/{name}",
            "name": name,
            "display_name": listed.get("display_name") or (known and known.name) or name,
            "type": type_of(name),
            "provider": endpoint.kind,
            "integration_id": endpoint.integration_id,
            "demo": endpoint.kind == "demo",
            "capabilities": CapabilitiesRead.model_validate(capabilities_of(endpoint.kind, name)),
            "context_window": _window(endpoint.kind, name, listed),
            "max_output_tokens": listed.get("max_output_tokens"),
            "price": _price(price) if price else None,
            "deprecated": deprecated(endpoint, name),
            "retires_at": listed.get("retires_at"),
        }
    )


def _price(price: Price) -> PriceRead:
    return PriceRead.model_validate({**rates(price, price.tiers[0]), "source": price.source})
