"""The workspace's models in OpenAI's shape."""

from typing import Any

import orjson

from app.core.auth import Access, Permission
from app.inference.catalog import service
from app.inference.catalog.schemas import ModelRead
from app.inference.dialects.errors import ModelUnavailable
from app.inference.integrations.directory import Directory
from app.inference.relay.visit import Visit
from app.inference.routing.names import allows


class ListModels:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.MODELS_READ)
        await visit.reply.json(await list_models(visit.inference.directory, access))


class ShowModel:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.MODELS_READ)
        name = visit.parameters["model"]
        await visit.reply.json(await read_model(visit.inference.directory, access, name))


async def models_for(directory: Directory, access: Access) -> list[ModelRead]:
    """The workspace's models, as far as the caller's key may use them."""
    models, bounds = await service.every(directory, access.workspace_id), access.rules.models
    if bounds is None:
        return models
    return [m for m in models if allows((bounds,), m.id.partition("/")[0], m.name)]


async def list_models(directory: Directory, access: Access) -> bytes:
    models = await models_for(directory, access)
    return orjson.dumps({"object": "list", "data": [row(model) for model in models]})


async def read_model(directory: Directory, access: Access, name: str) -> bytes:
    """One model by its id or by its provider's own name; raises ModelUnavailable."""
    models = await models_for(directory, access)
    for model in (*(m for m in models if m.id == name), *(m for m in models if m.name == name)):
        return orjson.dumps(row(model))
    raise ModelUnavailable(name)


def row(model: ModelRead) -> dict[str, Any]:
    # The dialect wants a time of creation, which no provider's listing gives for all its models.
    return {"id": model.id, "object": "model", "created": 0, "owned_by": model.provider}
