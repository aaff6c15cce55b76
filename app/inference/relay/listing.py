"""The workspace's models in OpenAI's shape."""

from typing import Any, Final

import orjson

from app.core.auth import Access, Permission
from app.inference.catalog import service
from app.inference.catalog.schemas import CapabilitiesRead, ModelRead
from app.inference.dialects.errors import ModelUnavailable
from app.inference.inference import Inference
from app.inference.relay.visit import Visit
from app.inference.routing.names import allows

OWNER: Final = "luminous"


class ListModels:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.MODELS_READ)
        await visit.reply.json(await list_models(visit.inference, access))


class ShowModel:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.MODELS_READ)
        name = visit.parameters["model"]
        await visit.reply.json(await read_model(visit.inference, access, name))


async def models_for(inference: Inference, access: Access) -> list[ModelRead]:
    """The workspace's models and then its routes, as far as the caller's key may use them."""
    models = await service.every(inference.directory, access.workspace_id)
    bounds = access.rules.models
    allowed = () if bounds is None else (bounds,)
    return [
        *(m for m in models if allows(allowed, m.id.partition("/")[0], m.name)),
        *map(as_model, await inference.routes.usable(access.workspace_id, allowed)),
    ]


def as_model(route: str) -> ModelRead:
    """A route as clients may choose it."""
    return ModelRead(
        id=route,
        name=route,
        display_name=route,
        type="chat",
        provider=OWNER,
        integration_id=None,
        demo=False,
        capabilities=CapabilitiesRead(
            vision=None, tools=None, reasoning=None, structured_output=None
        ),
        context_window=None,
        max_output_tokens=None,
        price=None,
        deprecated=None,
        retires_at=None,
    )


async def list_models(inference: Inference, access: Access) -> bytes:
    models = await models_for(inference, access)
    return orjson.dumps({"object": "list", "data": [row(model) for model in models]})


async def read_model(inference: Inference, access: Access, name: str) -> bytes:
    """One model by its id or by its provider's own name; raises ModelUnavailable."""
    models = await models_for(inference, access)
    for model in (*(m for m in models if m.id == name), *(m for m in models if m.name == name)):
        return orjson.dumps(row(model))
    raise ModelUnavailable(name)


def row(model: ModelRead) -> dict[str, Any]:
    # The dialect wants a time of creation, which no provider's listing gives for all its models.
    return {"id": model.id, "object": "model", "created": 0, "owned_by": model.provider}
