"""One line as any other request: asked through its dialect, its answer kept as it came."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import orjson

from app.core.auth import Access
from app.core.errors import AppError
from app.core.limits import Policy
from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.calls.questions import question_of
from app.inference.calls.sharing import Recorder, Sent
from app.inference.dialects.anthropic_messages import AnthropicMessages
from app.inference.dialects.ask import read_customer
from app.inference.dialects.dialect import Dialect
from app.inference.dialects.errors import ModelUnavailable, missing_model
from app.inference.dialects.openai_chat import OpenAIChat
from app.inference.dialects.openai_responses import OpenAIResponses
from app.inference.integrations.errors import ModelUnknown
from app.inference.operations.content import read_json
from app.inference.operations.table import OPERATIONS
from app.inference.routing.plan import Question
from app.inference.usage.payer import Payer

EMBEDDINGS: Final = "/v1/embeddings"
DIALECTS: Final[dict[str, Dialect]] = {
    "/v1/chat/completions": OpenAIChat(),
    "/v1/responses": OpenAIResponses(),
    "/v1/messages": AnthropicMessages(),
}
OPENAI: Final = DIALECTS["/v1/chat/completions"]
EMBEDDING: Final = next(each for each in OPERATIONS if each.path == "/embeddings")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a client would have been answered."""

    code: int
    answer: Any

    @property
    def status(self) -> str:
        return "succeeded" if self.code < 400 else "failed"


class Lined(Protocol):
    """What is read of a line."""

    url: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Clerk:
    """Asks lines on behalf of one batch; `access` is who made it, as it was then.

    `headers` are the client's own that go to a provider of its dialect.
    """

    calls: Calls
    payer: Payer
    access: Access
    headers: Mapping[str, str] = field(default_factory=dict)

    async def ask(self, line: Lined) -> Outcome:
        """Raises the AppError that is the answer."""
        sent: list[Sent] = []
        reply = Recorder(sent.append)
        body = orjson.dumps(line.body)
        if line.url == EMBEDDINGS:
            content = read_json(body)
            order = self.order(line)
            await self.calls.pass_on(order, EMBEDDING.errand(content), reply)
        else:
            dialect = DIALECTS[line.url]
            ask = replace(dialect.read(body), headers=self.headers)
            await self.calls.relay(self.order(line), dialect, ask, reply)
        return Outcome(sent[0].status, orjson.loads(sent[0].body))

    def order(self, line: Lined) -> Order:
        """Raises RequestInvalid."""
        if line.url == EMBEDDINGS:
            content = read_json(orjson.dumps(line.body))
            if content.model is None:
                raise missing_model()
            question = Question(content.model, EMBEDDING.input_tokens(content))
            customer, operation = read_customer(content.get("user")), "embeddings"
        else:
            dialect = DIALECTS[line.url]
            ask = dialect.read(orjson.dumps(line.body))
            question = question_of(ask, dialect.name, None)
            customer, operation = ask.customer, "chat"
        access = self.access
        # The key's own customer goes before the one that a line names.
        named = customer if access.rules.customer is None else None
        payer = replace(self.payer, customer=named) if named else self.payer
        return Order(payer, question, access.rules, access, policies_of(access), operation)

    def refusal(self, line: Lined, error: AppError) -> Outcome:
        """An error as the line's operation tells it."""
        if isinstance(error, ModelUnknown):
            error = ModelUnavailable(str(line.body.get("model")))
        dialect = DIALECTS.get(line.url, OPENAI)
        code, _, body = dialect.error_response(error)
        return Outcome(code, orjson.loads(body))


def policies_of(access: Access) -> tuple[Policy, ...]:
    """A key's own limits of requests hold for the lines of its batches too."""
    if access.credential != "api_key":
        return ()
    return tuple(Policy(limit, f"key:{access.credential_id}") for limit in access.limits)
