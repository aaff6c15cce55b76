"""A connection to Valkey of one caller's own, which asks one thing after the other."""

import asyncio
from typing import Any

import hiredis
from redis.exceptions import ConnectionError as ValkeyConnectionError

from app.core.kernel import Valkey
from app.core.line import Line
from app.core.waiting import running_loop


class Questions:
    """Asked over one line, which stays open. Only the caller bounds the time."""

    def __init__(self, valkey: Valkey) -> None:
        self._pool = valkey.connection_pool
        self._line: Line | None = None
        self._answer: asyncio.Future[Any] | None = None

    async def ask(self, *command: str | bytes | int) -> Any:
        """The answer; one that is broken off may have been carried out, or be so once more.

        Raises RedisError and OSError.
        """
        packed = hiredis.pack_command(command)  # type: ignore[arg-type]
        try:
            return await self._asked(packed)
        except ValkeyConnectionError:
            # The line may have been lost since the last time.
            return await self._asked(packed)

    async def close(self) -> None:
        if self._line is not None:
            await self._line.give_back()

    async def _asked(self, packed: bytes) -> Any:
        line = await self._opened()
        self._answer = running_loop().create_future()
        line.send(packed)
        try:
            answer = await self._answer
        except BaseException:
            # So that its answer is not taken for another one.
            line.drop()
            raise
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _opened(self) -> Line:
        if self._line is not None:
            if not self._line.lost:
                return self._line
            lost, self._line = self._line, None
            await lost.give_back()
        self._line = await Line.open(self._pool, self._heard)
        return self._line

    def _heard(self, answer: Any) -> None:
        """What the line says: an answer, an error of Valkey's, or that it is lost."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)
