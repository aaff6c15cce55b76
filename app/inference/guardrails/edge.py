"""How a route reaches the guardrails of its process."""

from typing import Annotated

from fastapi import Depends, Request

from app.inference.guardrails.policies import Guardrails


def guardrails_of(request: Request) -> Guardrails:
    guardrails: Guardrails = request.app.state.inference.guardrails
    return guardrails


GuardrailsDep = Annotated[Guardrails, Depends(guardrails_of)]
