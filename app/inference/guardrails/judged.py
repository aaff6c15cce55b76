"""Which beginnings of conversations judges have let pass, so that none is judged, or paid, twice.

A client sends the whole conversation again with each request, and may have made up any of it.
"""

from collections import OrderedDict
from hashlib import blake2b
from typing import Final

from app.inference.guardrails.texts import texts_of
from app.inference.providers.types import ChatRequest, Message

MOST_KNOWN: Final = 20_000


class Judged:
    """Of one process; it forgets the beginning that was asked for the longest ago."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def keep(self, beginning: bytes) -> None:
        self._known[beginning] = None
        self._known.move_to_end(beginning)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def unjudged(self, request: ChatRequest, scope: str) -> tuple[str, bytes]:
        """What others than the model have said since the known beginning, and the name of it all.

        `scope` names the workspace and the policies.
        """
        named = blake2b(scope.encode(), digest_size=16)
        texts: list[str] = []
        for message in request.messages:
            said = _said(request, message)
            for text in (message.role, *said):
                named.update(b"%d:" % len(text) + text.encode(errors="replace"))
            if named.digest() in self._known:
                texts.clear()
            elif message.role in ("user", "tool"):
                texts += said
        return "\n".join(texts), named.digest()


def _said(request: ChatRequest, message: Message) -> list[str]:
    alone = ChatRequest(model=request.model, messages=(message,))
    return texts_of(alone)
