"""The bound on a request's body, told as a problem document like every other refusal."""

import re
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Larger:
    """Paths of uploads, which are never read whole into memory, and how long they may be."""

    paths: re.Pattern[str]
    most: int


class BodyLimit:
    """Raises a 413 where a body is read that is, or says that it is, longer than `most` bytes.

    FastAPI's own `max_body_size` answers in plain text, whatever handlers there are.
    """

    def __init__(self, app: ASGIApp, most: int, larger: Larger | None = None) -> None:
        self.app = app
        self.most = most
        self.larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced, read, answered = _announced(scope), 0, False
        most = self._most(scope)

        async def limited() -> Message:
            nonlocal read
            if announced > most and not answered:
                raise HTTPException(413)
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > most and not answered:
                    raise HTTPException(413)
            return message

        async def noticed(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        await self.app(scope, limited, noticed)

    def _most(self, scope: Scope) -> int:
        if self.larger and scope["method"] == "POST" and self.larger.paths.fullmatch(scope["path"]):
            return self.larger.most
        return self.most


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
