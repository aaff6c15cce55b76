"""Calls that checks and caches make: judges and embeddings, admitted and paid as every other."""

from collections.abc import Sequence
from dataclasses import replace

from app.core.auth import EVERYTHING, Access
from app.inference.calls.attempt import Attempt
from app.inference.calls.calls import Calls
from app.inference.calls.course import Course, Desk
from app.inference.calls.order import Order
from app.inference.calls.relaying import forget
from app.inference.embeddings.embedder import Purpose
from app.inference.embeddings.provided import ask_for_embeddings
from app.inference.integrations.directory import Target
from app.inference.providers.transport import Transport
from app.inference.providers.types import ChatRequest, ChatResult
from app.inference.reranking.provided import ask_for_ranking
from app.inference.routing.plan import Question
from app.inference.usage.extras import extras_in
from app.inference.usage.payer import Payer
from app.inference.usage.service import estimate_input, estimate_text


class OwnCalls:
    """What guardrails and caches ask of models."""

    def __init__(self, calls: Calls, desk: Desk, transport: Transport) -> None:
        self._calls = calls
        self._desk = desk
        self._transport = transport

    async def complete(
        self,
        payer: Payer,
        model: str | None,
        request: ChatRequest,
        *,
        access: Access | None = None,
    ) -> ChatResult:
        """A judge's answer, within what the caller may use if there is one.

        Without a `model` the workspace's usual one answers. Raises what planning, the gate and
        the provider raise.
        """
        question = Question(
            model,
            input_tokens=estimate_input(request.messages),
            max_output_tokens=request.max_output_tokens,
            extras=lambda: extras_in(request.messages),
        )
        return await self._calls.complete(
            _order(payer, question, access), lambda target: replace(request, model=target.model)
        )

    async def embed(
        self, payer: Payer, target: Target, texts: Sequence[str], purpose: Purpose
    ) -> list[list[float]]:
        """Embeddings by an integration; raises what the gate and the provider raise."""
        tokens = sum(map(estimate_text, texts))
        question = Question(target.reference, input_tokens=tokens)
        order = Order(payer, question, operation="embeddings")
        course = Course(self._desk, await self._calls.admit(order))

        async def ask(attempt: Attempt) -> list[list[float]]:
            vectors, usage = await ask_for_embeddings(
                self._transport, attempt.target, texts, purpose
            )
            attempt.usage = usage
            return vectors

        vectors = await course.opened(ask, forget)
        course.end(course.attempt, "succeeded")
        return vectors

    async def rerank(
        self, payer: Payer, target: Target, question: str, texts: Sequence[str], access: Access
    ) -> list[float]:
        """How well each text answers; raises what planning, the gate and the provider raise."""
        tokens = sum(map(estimate_text, (question, *texts)))
        asked = Question(target.reference, input_tokens=tokens)
        order = _order(payer, asked, access, "rerank")
        course = Course(self._desk, await self._calls.admit(order))

        async def ask(attempt: Attempt) -> list[float]:
            scores, usage = await ask_for_ranking(self._transport, attempt.target, question, texts)
            attempt.usage = usage
            return scores

        scores = await course.opened(ask, forget)
        course.end(course.attempt, "succeeded")
        return scores


def _order(
    payer: Payer, question: Question, access: Access | None, operation: str = "chat"
) -> Order:
    rules = EVERYTHING if access is None else access.rules
    return Order(payer, question, rules, access, operation=operation)
