"""The workspace's models, as a vendor's clients read them."""

from collections.abc import Callable

from app.core.auth import Permission
from app.inference.catalog.schemas import ModelRead
from app.inference.dialects.errors import ModelUnavailable
from app.inference.relay.listing import models_for
from app.inference.relay.visit import Visit


class ListModelsAs:
    """All of them, on one page."""

    def __init__(self, render: Callable[[list[ModelRead]], bytes]) -> None:
        self._render = render

    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.MODELS_READ)
        models = await models_for(visit.inference, access)
        await visit.reply.json(self._render(models))


class ShowModelAs:
    """One by its id or by its provider's own name."""

    def __init__(self, render: Callable[[ModelRead], bytes]) -> None:
        self._render = render

    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.MODELS_READ)
        name = visit.parameters["model"]
        models = await models_for(visit.inference, access)
        named = (*(m for m in models if m.id == name), *(m for m in models if m.name == name))
        if not named:
            raise ModelUnavailable(name)
        await visit.reply.json(self._render(named[0]))
