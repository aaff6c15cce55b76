"""The operation that counts the tokens of a request, by its provider or by our own estimate."""

from typing import Final

from app.core.auth import Access, Permission
from app.inference.calls.questions import question_of
from app.inference.dialects.ask import Ask
from app.inference.dialects.counting import TokenCount
from app.inference.dialects.errors import ModelUnavailable, missing_model
from app.inference.integrations.directory import Target
from app.inference.integrations.errors import ModelUnknown
from app.inference.providers.opening import expect_success
from app.inference.providers.registry import KINDS
from app.inference.relay.passed_headers import PASSED, with_headers
from app.inference.relay.visit import Visit
from app.inference.relay.wishes import read_wishes
from app.inference.routing.errors import ModelMissing

# Where the answer says that its count is ours.
ESTIMATED: Final = (b"x-luminous-token-count", b"estimate")


class CountTokens:
    """A count costs nothing, and is no call of a model."""

    def __init__(self, counting: TokenCount) -> None:
        self._counting = counting

    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.MODELS_INVOKE, "chat")
        ask = self._read(await visit.body(), visit, access)
        ask = with_headers(ask, PASSED.get(self._counting.name, ()), visit)
        target = await self._target(visit, access, ask)
        if self._counting.passes_bytes_to(target.endpoint):
            await visit.reply.json(await self._counted(visit, ask, target))
            return
        visit.reply.headers += [ESTIMATED]
        await visit.reply.json(self._counting.answer(ask.estimated_tokens))

    def _read(self, body: bytes, visit: Visit, access: Access) -> Ask:  # noqa: ARG002 - for others
        return self._counting.read(body, model=visit.parameters.get("model"))

    async def _counted(self, visit: Visit, ask: Ask, target: Target) -> bytes:
        endpoint = target.endpoint
        kind = KINDS[endpoint.kind]
        exchange = await visit.inference.transport.open(
            "POST",
            self._counting.url(endpoint, target.model),
            headers=kind.codec(endpoint.base_url).headers(endpoint.api_key) | dict(ask.headers),
            body=self._counting.body(ask, target.model),
            provider=kind.label,
            allow_private=endpoint.allow_private,
        )
        try:
            await expect_success(exchange, kind.label, endpoint.api_key, quoted=True)
            return await exchange.read_body()
        finally:
            exchange.close()

    async def _target(self, visit: Visit, access: Access, ask: Ask) -> Target:
        """Whoever would be asked first; raises what planning raises."""
        wishes = read_wishes(visit.headers)
        question = question_of(ask, self._counting.name, wishes.route)
        order = visit.order(access, question, wishes, customer=ask.customer)
        try:
            plan = await visit.inference.routes.plan(order.payer, order.rules, order.question)
        except ModelMissing:
            raise missing_model() from None
        except ModelUnknown:
            raise ModelUnavailable(ask.model or access.rules.route or "") from None
        return plan.candidates[0].target
