"""One request of an operation that every server of OpenAI's dialect takes as it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.inference.dialects.addresses import beside_chat
from app.inference.integrations.directory import Endpoint, Target
from app.inference.operations.content import Content
from app.inference.operations.told import error_in, milliseconds_in, usage_in
from app.inference.providers.errors import ProviderUnfit
from app.inference.providers.events import fault_of
from app.inference.providers.registry import KINDS
from app.inference.providers.transport.request import Body
from app.inference.providers.types import Usage

SAME: Final = "openai_chat"
# Where an operation's request has words.
SAID: Final = ("input", "prompt", "instructions")


@dataclass(frozen=True, slots=True)
class PassedOn:
    """`path` is below the base URL; `streams` where the answer is passed on as it comes."""

    path: str
    content: Content
    streams: bool
    method: str = "POST"

    def url(self, target: Target) -> str:
        if target.endpoint.dialect != SAME:
            raise ProviderUnfit(name_of(target.endpoint), f"has no {self.path}.")
        return beside_chat(target.endpoint, self.path)

    def headers(self, target: Target) -> Mapping[str, str]:  # noqa: ARG002 - the same for all
        return {"Content-Type": self.content.kind}

    def body(self, target: Target) -> Body:
        return self.content.renamed(target.model)

    def check(self, target: Target, answer: bytes) -> None:
        fault = error_in(answer)
        if fault is not None:
            endpoint = target.endpoint
            raise fault_of(fault, name_of(endpoint), endpoint.api_key)

    def answer(self, target: Target, answer: bytes) -> bytes:  # noqa: ARG002 - it is the client's
        return answer

    def usage(self, answer: bytes) -> Usage | None:
        return usage_in(answer)

    def words(self) -> Sequence[str]:
        return [word for name in SAID for word in strings_in(self.content.get(name))]

    def milliseconds(self, answer: bytes) -> int | None:
        return milliseconds_in(answer)


def strings_in(given: Any) -> Iterator[str]:
    """The texts of a field, however deep: moderation takes parts as chats do."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, dict):
        given = list(given.values())
    if isinstance(given, list):
        for each in given:
            yield from strings_in(each)


def name_of(endpoint: Endpoint) -> str:
    return KINDS[endpoint.kind].label
