"""What a caller wants answered, and the grant with which it may be asked."""

from collections.abc import Callable
from dataclasses import dataclass

from app.core.auth import EVERYTHING, Access, KeyRules
from app.core.limits import Policy, Verdict
from app.inference.cache.responses import Directive
from app.inference.gate.call import Load, OpenCall
from app.inference.guardrails.guard import Guard
from app.inference.integrations.directory import Target
from app.inference.providers.types import ChatRequest
from app.inference.routing.plan import Plan, Question
from app.inference.usage.payer import Payer

# The request as a target is to have it: its name of the model, its window, its dialect. Raises
# RequestInvalid or ProviderUnfit for what it has no words for.
Build = Callable[[Target], ChatRequest]
Noted = Callable[[Verdict], None]


@dataclass(slots=True)
class Order:
    """Who pays for what.

    `access` is given where a key's own limits of tokens and calls at once apply, `policies` where
    the request itself is still to be counted; `noted` hears how it stands with all of them.
    `operation` is the surface (`chat`, `embeddings` …), `directive` what the client wants of the
    response cache.
    """

    payer: Payer
    question: Question
    rules: KeyRules = EVERYTHING
    access: Access | None = None
    policies: tuple[Policy, ...] = ()
    operation: str = "chat"
    noted: Noted | None = None
    directive: Directive = "use"

    def load(self, plan: Plan) -> Load:
        asked = self.question
        return Load(
            asked.input_tokens,
            asked.max_output_tokens,
            self.operation,
            asked.dialect,
            plan.route,
            plan.category,
            asked.images,
            asked.milliseconds,
            asked.answers,
            asked.extras,
        )


@dataclass(slots=True)
class Grant:
    """A request that was let in: `call` is open, and ends with the course that takes it over.

    `guard` checks its answer, and every form of the request that is asked.
    """

    order: Order
    plan: Plan
    call: OpenCall
    taken: bool = False
    guard: Guard | None = None
