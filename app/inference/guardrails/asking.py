"""The model that a check asks: one of the payer's workspace, called as every other."""

from dataclasses import replace
from typing import Protocol

from app.inference.guardrails.compiled import CheckFailed
from app.inference.guardrails.policies import PURPOSE
from app.inference.providers.types import ChatRequest, ChatResult
from app.inference.usage.payer import Payer


class Completing(Protocol):
    """Calls a model by its name."""

    async def __call__(self, payer: Payer, model: str, request: ChatRequest) -> ChatResult: ...


class Judging:
    """`complete` is set once calls can be made, which themselves stand on guardrails."""

    complete: Completing | None = None

    async def __call__(self, payer: Payer, model: str, request: ChatRequest) -> ChatResult:
        if self.complete is None:
            raise CheckFailed
        return await self.complete(replace(payer, purpose=PURPOSE), model, request)
