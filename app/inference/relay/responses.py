"""Responses: what a provider keeps of them is its maker's alone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from app.core.auth import Access
from app.inference.calls.reply import EVENTS
from app.inference.dialects.ask import Ask
from app.inference.dialects.framing import payloads
from app.inference.dialects.openai_responses.stored import PREVIOUS, Owner, opened
from app.inference.relay.counting import CountTokens
from app.inference.relay.generating import Generating
from app.inference.relay.visit import Visit
from app.inference.relay.wishes import Wishes, read_wishes

OBJECTS: Final = ("response", "response.deleted")
RESPONSE: Final = b'"response"'


class GeneratingResponse(Generating):
    def _settled(
        self, visit: Visit, access: Access, ask: Ask, wishes: Wishes
    ) -> tuple[Ask, Wishes]:
        owner = owner_of(visit, access, wishes.customer or ask.customer)
        visit.reply.shape = SealedIds(owner)
        known = opened(ask, owner)
        if known is ask and ask.document.get(PREVIOUS) is not None:
            # Another's response by its provider's own id: nobody may be given its cached answer.
            wishes = replace(wishes, cache="bypass")
        return known, wishes


class CountResponseTokens(CountTokens):
    def _read(self, body: bytes, visit: Visit, access: Access) -> Ask:
        ask = super()._read(body, visit, access)
        customer = read_wishes(visit.headers).customer or ask.customer
        return opened(ask, owner_of(visit, access, customer))


def owner_of(visit: Visit, access: Access, customer: str | None) -> Owner:
    """Whoever asks, for the key's own customer or else the one that the request names."""
    key = visit.kernel.vault.derived_key("stored-responses")
    customer = access.rules.customer or customer
    return Owner(key, access.workspace_id, access.user_id, customer)


class SealedIds:
    """Seals the ids of responses that are kept; `customer` is the mark of one that is looked up."""

    kind: Final = EVENTS

    def __init__(self, owner: Owner, customer: str | None = None) -> None:
        self._owner = owner
        self._customer = customer

    def whole(self, body: bytes) -> bytes:
        document = read(body)
        return self._sealed(body, document) if document.get("object") in OBJECTS else body

    def refusal(self, body: bytes) -> bytes:
        return body

    def part(self, block: bytes, *, more: bool) -> bytes:  # noqa: ARG002 - the last is as the others
        sealed = block
        # Only the events of its whole course tell a response's id: two or three of a stream.
        for data in payloads(block) if RESPONSE in block else ():
            event = read(data) if RESPONSE in data else {}
            if isinstance(response := event.get("response"), dict):
                sealed = self._sealed(sealed, response)
        return sealed

    def _sealed(self, written: bytes, response: Mapping[str, Any]) -> bytes:
        if response.get("store") is False:
            return written
        for name in (response.get("id"), response.get(PREVIOUS)):
            if isinstance(name, str):
                sealed = self._owner.seal(name, self._customer)
                written = written.replace(orjson.dumps(name), orjson.dumps(sealed))
        return written


def read(written: bytes) -> dict[str, Any]:
    """A JSON object; an empty one for anything else, which tells no id."""
    try:
        found = orjson.loads(written)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
