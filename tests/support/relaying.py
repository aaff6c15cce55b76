"""A client of the calls engine without a connection: what it would have been sent."""

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson

from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.calls.sharing import Recorder, Sent
from app.inference.dialects.openai_chat import OpenAIChat
from app.inference.routing.plan import Question
from app.inference.usage.payer import Payer

DIALECT = OpenAIChat()


@dataclass
class Client:
    """Asks in OpenAI's dialect on behalf of a workspace."""

    calls: Calls
    payer: Payer
    model: str
    sent: list[Sent] = field(default_factory=list)

    def other(self) -> "Client":
        return replace(self, sent=[])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0].headers)

    @property
    def bytes(self) -> bytes:
        return b"".join(sent.body for sent in self.sent)

    @property
    def chunks(self) -> list[dict[str, Any]]:
        lines = [line[6:] for line in self.bytes.split(b"\n") if line.startswith(b"data: {")]
        return [orjson.loads(line) for line in lines]

    @property
    def text(self) -> str:
        if self.sent[0].way == "json":
            return orjson.loads(self.bytes)["choices"][0]["message"]["content"]
        choices = [choice for chunk in self.chunks for choice in chunk.get("choices", ())]
        return "".join(choice["delta"].get("content") or "" for choice in choices)

    async def ask(self, content: str, *, directive: str = "use", **more: Any) -> "Client":
        messages = [{"role": "user", "content": content}]
        body = orjson.dumps({"model": self.model, "messages": messages, **more})
        ask = DIALECT.read(body)
        order = Order(self.payer, Question(self.model, input_tokens=10), directive=directive)
        self.sent.clear()
        await self.calls.relay(order, DIALECT, ask, Recorder(self.sent.append))
        return self


def client_of(app: Any, gateway: Any) -> Client:
    person = gateway.person
    payer = Payer(UUID(person.workspace_id), UUID(person.user_id), "gateway")
    return Client(app.state.inference.calls, payer, gateway.model)
