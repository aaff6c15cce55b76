"""The catalogue of a workspace: its endpoints' listings, with what is known of each model."""

from uuid import UUID

import orjson

from app.core.auth import Access
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.core.paging import Slice
from app.inference.catalog.capabilities import capabilities_of
from app.inference.catalog.pricing import find_model, per_million
from app.inference.catalog.schemas import CapabilitiesRead, ModelQuery, ModelRead, PriceRead
from app.inference.integrations.directory import Directory, Endpoint, Target
from app.inference.providers.model_types import type_of

log = get_logger(__name__)

LISTING_SECONDS = 24 * 3600


async def page(
    kernel: Kernel, directory: Directory, access: Access, query: ModelQuery
) -> Slice[ModelRead]:
    """One page of the models, by id; listings that are missing or old are asked for first."""
    models = await every(directory, access.workspace_id)
    found = sorted((m for m in models if _matches(m, query)), key=lambda model: model.id)
    filters = query.model_dump(mode="json", exclude={"limit", "cursor"})
    binding = f"{access.workspace_id}|models|{orjson.dumps(filters).decode()}"
    if query.cursor:
        (last,) = kernel.cursors.decode(query.cursor, binding)
        found = [model for model in found if model.id > last]
    shown, has_more = found[: query.limit], len(found) > query.limit
    cursor = kernel.cursors.encode([shown[-1].id], binding) if has_more else None
    return Slice(shown, has_more, cursor)


async def every(directory: Directory, workspace_id: UUID) -> list[ModelRead]:
    """All models of a workspace, in the order of its integrations."""
    await directory.refresh(workspace_id, older_than=LISTING_SECONDS)
    endpoints = await directory.endpoints(workspace_id)
    return [_model(endpoint, listed) for endpoint in endpoints for listed in endpoint.models]


def _matches(model: ModelRead, query: ModelQuery) -> bool:
    return (
        (query.type is None or model.type == query.type)
        and (query.provider is None or model.provider == query.provider)
        and (query.q is None or query.q.lower() in model.id.lower())
    )


def context_window(target: Target) -> int | None:
    """Tokens that the target's model can read, or None where nobody says."""
    for listed in target.endpoint.models:
        if listed["name"] == target.model and listed.get("context_window"):
            return int(listed["context_window"])
    known = find_model(target.endpoint.kind, target.model)
    return known.context_window if known else None


def _model(endpoint: Endpoint, listed: dict[str, object]) -> ModelRead:
    name = str(listed["name"])
    known = find_model(endpoint.kind, name)
    price = per_million(endpoint.kind, name)
    window = listed.get("context_window") or (known.context_window if known else None)
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
            "context_window": window,
            "max_output_tokens": listed.get("max_output_tokens"),
            "price": PriceRead.model_validate(price) if price else None,
            "retires_at": listed.get("retires_at"),
        }
    )
