"""JSONata, computed in processes of its own that can be killed."""

import asyncio
import sys
import threading
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson

import app
from app.automation.language.faults import StepFault

LONGEST: Final = 4000
_ROOT: Final = Path(app.__file__).parents[1]
_CHILD: Final = "app.automation.language.jsonata_child"
# For a process to begin: on a busy machine that takes longer than most of what is computed.
_START_SECONDS: Final = 60.0
_MIB: Final = 1024 * 1024
# Nobody says that the library reads in several threads at once.
_READING: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one computation: the clock's time, the process's memory, JSON in and out.

    `at_once` are computed at the same time; the others wait. A process is given up after `uses`,
    or when it has had nothing to do for `idle_seconds`.
    """

    seconds: float = 10.0
    memory_bytes: int = 256 * _MIB
    most_bytes: int = 8 * _MIB
    at_once: int = 2
    uses: int = 50
    idle_seconds: float = 60.0


class Jsonata:
    """Keeps a process or two ready; `close` ends them."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._turns = asyncio.Semaphore(self._bounds.at_once)
        self._idle: list[_Child] = []

    async def evaluate(self, expression: str, value: Any) -> Any:
        """What it gives of a value (JSON); null for nothing.

        Raises StepFault: `jsonata_failed`, `jsonata_timeout`, `jsonata_too_large`.
        """
        request = orjson.dumps({"expression": expression, "input": value}) + b"\n"
        if len(request) > self._bounds.most_bytes:
            raise StepFault("jsonata_too_large", "JSONata is given more than it may be.")
        async with self._turns:
            child = self._idle.pop() if self._idle else await _Child.start(self._bounds)
            try:
                answer = await child.ask(request)
            except BaseException:
                await child.end()
                raise
            await self._put_back(child)
        if "error" in answer:
            raise StepFault(answer["code"], f"JSONata: {answer['error']}.")
        return answer["output"]

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().end()

    async def _put_back(self, child: "_Child") -> None:
        if child.uses >= self._bounds.uses:
            await child.end()
            return
        self._idle.append(child)
        child.rest(self._bounds.idle_seconds, self._idle)


class _Child:
    def __init__(self, process: Process, bounds: Bounds) -> None:
        self._process = process
        self._bounds = bounds
        self._rest: asyncio.Task[None] | None = None
        self.uses = 0

    @classmethod
    async def start(cls, bounds: Bounds) -> "_Child":
        cpu_seconds = int(bounds.seconds * bounds.uses)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", _CHILD,
            str(bounds.memory_bytes), str(cpu_seconds), str(bounds.most_bytes),
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd=_ROOT,
            env={"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            limit=bounds.most_bytes + 4096,
        )  # fmt: skip
        child = cls(process, bounds)
        try:
            await child._answer(b"", _START_SECONDS)
        except BaseException:
            await child.end()
            raise
        return child

    async def ask(self, request: bytes) -> dict[str, Any]:
        """Raises StepFault where it dies of the request, or has to."""
        if self._rest is not None:
            self._rest.cancel()
        self.uses += 1
        answer: dict[str, Any] = orjson.loads(await self._answer(request, self._bounds.seconds))
        return answer

    async def _answer(self, request: bytes, seconds: float) -> bytes:
        """The next line that it gives."""
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None  # noqa: S101 - it is a pipe
        assert answers is not None  # noqa: S101 - it is a pipe
        try:
            async with asyncio.timeout(seconds):
                asked.write(request)
                await asked.drain()
                line = await answers.readline()
        except TimeoutError:
            said = f"JSONata took longer than {seconds:g} s."
            raise StepFault("jsonata_timeout", said) from None
        except ConnectionError:
            line = b""
        if not line.endswith(b"\n"):
            raise StepFault("jsonata_too_large", "JSONata took more memory than it may.")
        return line

    def rest(self, seconds: float, among: list["_Child"]) -> None:
        """End it when it has been among the idle for so long."""

        async def resting() -> None:
            await asyncio.sleep(seconds)
            among.remove(self)
            self._rest = None
            await self.end()

        self._rest = asyncio.ensure_future(resting())

    async def end(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.communicate()


@lru_cache(maxsize=512)
def mistake_in_jsonata(expression: str) -> str | None:
    """What is wrong with its syntax, or None."""
    import jsonata  # type: ignore[import-untyped]  # noqa: PLC0415 - heavy, and not needed at start

    try:
        with _READING:
            jsonata.Jsonata(expression)
    except RecursionError:
        return "is nested too deeply"
    except Exception as error:  # noqa: BLE001 - the library raises any, for what texts are
        return str(error)[:300]
    return None
