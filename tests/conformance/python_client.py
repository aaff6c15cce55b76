"""The vendors' Python clients, unmodified, behind one question: what has your client read?"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anthropic
import openai
from google.genai import errors as google_errors

from tests.conformance.case import Json
from tests.conformance.python_vendors import VENDORS

VENDOR_ERRORS = (openai.APIError, anthropic.APIError, google_errors.APIError)


class PythonClients:
    """One client a dialect and key, kept until the end."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._clients: dict[tuple[str, str], Any] = {}

    async def run(self, ask: Json) -> Json:
        """The result of one ask, in the same words as run.mjs has."""
        dialect, progress = ask["dialect"], {"text": ""}
        client = await self._client(dialect, ask["address"], ask["key"])
        try:
            operation = getattr(VENDORS[dialect], ask["operation"])
            return await operation(client, ask["args"], ask.get("extra"), progress)
        except VENDOR_ERRORS as error:
            return {"error": told(error), "text": progress["text"]}

    async def _client(self, dialect: str, address: str, key: str) -> Any:
        if (dialect, key) not in self._clients:
            opened = VENDORS[dialect].client(address, key)
            if dialect == "gemini":
                self._stack.callback(opened.close)
                opened = await self._stack.enter_async_context(opened.aio)
            else:
                opened = await self._stack.enter_async_context(opened)
            self._clients[dialect, key] = opened
        return self._clients[dialect, key]


@asynccontextmanager
async def python_clients() -> AsyncIterator[PythonClients]:
    async with AsyncExitStack() as stack:
        yield PythonClients(stack)


def told(error: Exception) -> Json:
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or {}
    google = isinstance(error, google_errors.APIError)
    return {
        "class": type(error).__name__,
        "status": error.code if google else getattr(error, "status_code", None),
        "message": str(error),
        "body": error.details if google else getattr(error, "body", None),
        "retry_after": headers.get("retry-after"),
    }
