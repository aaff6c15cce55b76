"""The parent: has a file read by a child process, and kills it where that takes too much."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import orjson

import app
from app.core.log import get_logger
from app.knowledge.exchange.errors import FileMalformed
from app.knowledge.exchange.formats.table import Name

log = get_logger(__name__)

_ROOT: Final = Path(app.__file__).parents[1]
# Readers that run together in one process: each may take up to its memory and a processor.
_TURNS: Final = asyncio.Semaphore(2)
_CHILD: Final = "app.knowledge.exchange.reading.child"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What reading a file may cost: memory, processor time, time without a word from it.

    `concept_bytes` is how large one may be as JSON.
    """

    memory_bytes: int = 1536 * 1024 * 1024
    cpu_seconds: int = 240
    silent_seconds: float = 240.0
    concept_bytes: int = 1024 * 1024


BOUNDS: Final = Bounds()


@dataclass(frozen=True, slots=True)
class Found:
    """A row as the child tells of it: a concept in its wire form, or the reason there is none."""

    position: int
    line: int | None
    concept: dict[str, Any] | None
    reason: str | None


async def rows(file: IO[bytes], name: Name, bounds: Bounds = BOUNDS) -> AsyncGenerator[Found, None]:
    """The rows of a file that stands in a real one; raises FileMalformed, after those before.

    Few files are read together; the others wait their turn.
    """
    async with _TURNS, aclosing(_rows(file, name, bounds)) as found:
        async for row in found:
            yield row


async def _rows(file: IO[bytes], name: Name, bounds: Bounds) -> AsyncGenerator[Found, None]:
    file.seek(0)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _CHILD, name,
        str(bounds.memory_bytes), str(bounds.cpu_seconds), str(bounds.concept_bytes),
        stdin=file.fileno(), stdout=PIPE, stderr=DEVNULL, cwd=_ROOT,
        env={"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
        limit=bounds.concept_bytes + 4096,
    )  # fmt: skip
    try:
        position = 0
        while True:
            told = await _next(child, bounds)
            if "malformed" in told:
                raise FileMalformed(f"The file cannot be read: {told['malformed']}.")
            if "end" in told:
                return
            position += 1
            yield Found(position, told["line"], told.get("concept"), told.get("reason"))
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def _next(child: Process, bounds: Bounds) -> dict[str, Any]:
    assert child.stdout is not None  # noqa: S101 - it is a pipe
    try:
        async with asyncio.timeout(bounds.silent_seconds):
            line = await child.stdout.readline()
    except TimeoutError:
        raise FileMalformed("The file takes too long to read; split it.") from None
    if not line.endswith(b"\n"):
        code = await child.wait()
        log.warning("import_reader_died", returncode=code)
        raise FileMalformed("The file takes more to read than it may; split it.")
    told: dict[str, Any] = orjson.loads(line)
    return told
