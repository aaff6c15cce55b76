"""Embeddings at Google's address, which names the model."""

from app.core.auth import Permission
from app.inference.dialects.errors import ModelUnavailable
from app.inference.integrations.errors import ModelUnknown
from app.inference.operations.google_embeddings import google_embeddings
from app.inference.relay.visit import Visit
from app.inference.relay.wishes import read_wishes
from app.inference.routing.plan import Question

FEATURE = "embeddings"


class EmbedContents:
    """One text, or (`batch`) several in one request."""

    def __init__(self, *, batch: bool) -> None:
        self._batch = batch

    async def serve(self, visit: Visit) -> None:
        access = await visit.caller(Permission.MODELS_INVOKE, FEATURE)
        wishes = read_wishes(visit.headers)
        errand = google_embeddings(await visit.body(), batch=self._batch)
        model = visit.parameters["model"]
        question = Question(model, errand.input_tokens, route=wishes.route)
        order = visit.order(access, question, wishes, operation=FEATURE)
        with visit.watch():
            try:
                await visit.inference.calls.pass_on(order, errand, visit.reply)
            except ModelUnknown:
                raise ModelUnavailable(model) from None
