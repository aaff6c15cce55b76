"""The operation of a dialect in which a model writes: any model answers, streamed or whole."""

import asyncio

from app.core.auth import Access, Permission
from app.inference.calls.questions import question_of
from app.inference.calls.relaying import CallTimedOut
from app.inference.dialects.ask import Ask
from app.inference.dialects.dialect import Dialect
from app.inference.dialects.errors import ModelUnavailable, missing_model
from app.inference.integrations.errors import ModelUnknown
from app.inference.relay.passed_headers import PASSED, with_headers
from app.inference.relay.visit import Visit
from app.inference.relay.wishes import Wishes, read_wishes
from app.inference.routing.errors import ModelMissing

FEATURE = "chat"


class Generating:
    """`streaming` is given where the dialect has it in the address, as the model may be."""

    def __init__(self, dialect: Dialect, *, streaming: bool | None = None) -> None:
        self._dialect = dialect
        self._streaming = streaming
        self._passed = PASSED.get(dialect.name, ())

    async def serve(self, visit: Visit) -> None:
        access = visit.caller_at_hand(Permission.MODELS_INVOKE, FEATURE)
        access = access or await visit.caller(Permission.MODELS_INVOKE, FEATURE)
        wishes = read_wishes(visit.headers)
        ask = self._dialect.read(
            await visit.body(), model=visit.parameters.get("model"), streaming=self._streaming
        )
        if self._passed:
            ask = with_headers(ask, self._passed, visit)
        ask, wishes = self._settled(visit, access, ask, wishes)
        reply, calls = visit.reply, visit.inference.calls
        question = question_of(ask, self._dialect.name, wishes.route)
        order = visit.order(access, question, wishes, customer=ask.customer)
        if ask.streaming:
            reply.keep_alive(self._dialect.keep_alive)
        with visit.watch():
            try:
                if wishes.timeout is None:
                    await calls.relay(order, self._dialect, ask, reply)
                    return
                async with asyncio.timeout(wishes.timeout):
                    await calls.relay(order, self._dialect, ask, reply)
            except ModelMissing:
                raise missing_model() from None
            except ModelUnknown:
                raise ModelUnavailable(ask.model or access.rules.route or "") from None
            except TimeoutError:
                error = CallTimedOut(f"It is not done after {wishes.timeout:g} seconds.")
                if not reply.begun:
                    raise error from None
                await reply.stream(self._dialect.error_event(error, reply.last), more=False)

    def _settled(
        self,
        visit: Visit,  # noqa: ARG002 - for those that do more
        access: Access,  # noqa: ARG002
        ask: Ask,
        wishes: Wishes,
    ) -> tuple[Ask, Wishes]:
        """What is asked for in the end; raises what a dialect refuses of it."""
        return ask, wishes
