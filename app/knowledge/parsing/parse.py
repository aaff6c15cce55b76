"""Parsing without danger: each document is read by a process of its own that can be killed."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import orjson

from app.knowledge.parsing import document
from app.knowledge.parsing.document import Parsed
from app.knowledge.parsing.errors import (
    REFUSALS,
    DocumentEmpty,
    DocumentRefused,
    DocumentTooCostly,
    DocumentTooLarge,
    DocumentUnreadable,
    ParserUnavailable,
)
from app.knowledge.parsing.limits import MIB, ParseLimits
from app.knowledge.parsing.wire import BEGUN, END_MARK, ENDED, HEAD, PARSED

IDLE_SECONDS: Final = 60.0
# Usually two, where the template is not loaded yet; a busy machine takes longer.
START_SECONDS: Final = 60.0
_PIECE: Final = 256 * 1024
_TOO_SLOW: Final = "Reading it takes longer than it may."
_TOO_MUCH: Final = "Reading it needs more memory than it may."
_GAVE_UP: Final = "Its reader gave up, most often because it needs more memory than it may."
_ROOT: Final = Path(__file__).parents[3]
_START: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from app.knowledge.parsing.template import main; main()"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a document says, and what reading it cost: the reader's size, and its CPU time."""

    parsed: Parsed
    peak_bytes: int
    cpu_seconds: float


class Parsers:
    """Reads at most `at_once` documents together; the rest waits its turn.

    The readers are forks of a small process that is started with the first document and ends when
    there has been none for a while: this one has threads and secrets, and is never forked.
    """

    def __init__(self, at_once: int = 2, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._idle_seconds = idle_seconds
        self._template: _Template | None = None
        self._busy = 0
        self._stopping: asyncio.TimerHandle | None = None

    async def parse(
        self,
        path: Path,
        *,
        media_type: str | None = None,
        filename: str = "",
        limits: ParseLimits | None = None,
    ) -> Parsed:
        """The text and the structure of a file; raises DocumentRefused and ParserUnavailable."""
        reading = await self.read(path, media_type=media_type, filename=filename, limits=limits)
        return reading.parsed

    async def read(
        self,
        path: Path,
        *,
        media_type: str | None = None,
        filename: str = "",
        limits: ParseLimits | None = None,
    ) -> Reading:
        """As `parse`, with what it cost."""
        bounds = limits or ParseLimits()
        _check_size(await asyncio.to_thread(_size, path), bounds)
        request = {
            "filename": filename[-500:],
            "media_type": (media_type or "")[:200] or None,
            "limits": asdict(bounds),
        }
        async with self._turns, self._template_in_use() as template:
            try:
                told = await template.ask(orjson.dumps(request), path, bounds)
            except OSError as error:
                raise ParserUnavailable(retry_after=5) from error
        return await asyncio.to_thread(_understood, told)

    async def close(self) -> None:
        """End the process and its readers."""
        if self._stopping is not None:
            self._stopping.cancel()
        template, self._template = self._template, None
        if template is not None:
            await asyncio.to_thread(template.stop)

    @asynccontextmanager
    async def _template_in_use(self) -> AsyncIterator["_Template"]:
        self._busy += 1
        if self._stopping is not None:
            self._stopping.cancel()
        try:
            yield self._ready()
        finally:
            self._busy -= 1
            if not self._busy:
                loop = asyncio.get_running_loop()
                self._stopping = loop.call_later(self._idle_seconds, self._stop_idle)

    def _ready(self) -> "_Template":
        if self._template is not None and self._template.is_over:
            self._template.stop()
            self._template = None
        if self._template is None:
            self._template = _Template()
        return self._template

    def _stop_idle(self) -> None:
        if not self._busy and self._template is not None:
            template, self._template = self._template, None
            asyncio.get_running_loop().run_in_executor(None, template.stop)


class _Template:
    """The process that readers are forked from, from its service's side."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            # Nothing of this process's environment: it holds keys.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                [sys.executable, "-I", "-c", _START, str(_ROOT)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                start_new_session=True,
            )

    @property
    def is_over(self) -> bool:
        return self._control.fileno() < 0 or self._process.poll() is not None

    async def ask(self, request: bytes, path: Path, limits: ParseLimits) -> bytearray:
        """What the reader of a file wrote, and how it ended; cut off, the reader is killed.

        Raises DocumentTooCostly, and OSError where no reader comes.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs, path.open("rb", buffering=0) as file:
                descriptors = [theirs.fileno(), file.fileno()]
                socket.send_fds(self._control, [HEAD.pack(len(request)), request], descriptors)
            reader, writer = await asyncio.open_connection(sock=ours)
        except BaseException:
            ours.close()
            raise
        try:
            await self._begun(reader)
            return await _all(reader, limits)
        finally:
            # Before the next one has its turn: closing waits for the loop.
            with suppress(OSError):
                ours.shutdown(socket.SHUT_RDWR)
            writer.close()

    async def _begun(self, reader: asyncio.StreamReader) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                mark = await reader.read(len(BEGUN))
        except TimeoutError:
            # So that the next document has another one.
            self._control.close()
            self._process.kill()
            raise
        if mark != BEGUN:
            raise ConnectionError("no reader was started")

    def stop(self) -> None:
        """End it: it kills its readers once its control line is closed."""
        self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


async def _all(reader: asyncio.StreamReader, limits: ParseLimits) -> bytearray:
    received, most = bytearray(), _most_bytes(limits)
    try:
        async with asyncio.timeout(limits.seconds):
            while piece := await reader.read(_PIECE):
                received += piece
                if len(received) > most:
                    raise DocumentTooCostly("What was read of it is too large.")
    except TimeoutError:
        raise DocumentTooCostly(_TOO_SLOW) from None
    return received


def _most_bytes(limits: ParseLimits) -> int:
    """More than any document within the limits comes to: a character is at most six bytes."""
    return limits.characters * 6 + limits.blocks * 300 + MIB


def _size(path: Path) -> int:
    return path.stat().st_size


def _check_size(size: int, limits: ParseLimits) -> None:
    if size == 0:
        raise DocumentEmpty
    if size > limits.file_bytes:
        raise DocumentTooLarge(
            f"It has {size / MIB:.0f} MiB; at most {limits.file_bytes // MIB} MiB are read."
        )


def _understood(told: bytearray) -> Reading:
    """What a reader's words come to; raises as its document deserves."""
    if len(told) < ENDED.size:
        raise ParserUnavailable(retry_after=5)
    mark, status, kibibytes, milliseconds = ENDED.unpack_from(told, len(told) - ENDED.size)
    if mark != END_MARK:
        # The process that starts readers is gone, and its readers with it.
        raise ParserUnavailable(retry_after=5)
    body = memoryview(told)[: -ENDED.size]
    if os.WIFSIGNALED(status):
        raise _ended_by(os.WTERMSIG(status))
    if status != 0 or not body:
        raise DocumentUnreadable("Its reader broke down.")
    if bytes(body[:1]) == PARSED:
        return Reading(document.load(body[1:]), kibibytes * 1024, milliseconds / 1000)
    refusal = orjson.loads(body[1:])
    raise REFUSALS[refusal["code"]](refusal["detail"])


def _ended_by(number: int) -> DocumentRefused:
    if number == signal.SIGXCPU:
        return DocumentTooCostly(_TOO_SLOW)
    if number == signal.SIGKILL:
        # By the system, where memory is short.
        return DocumentTooCostly(_TOO_MUCH)
    if number in (signal.SIGABRT, signal.SIGTRAP):
        # By a library: nearly always one that was refused more memory.
        return DocumentTooCostly(_GAVE_UP)
    return DocumentUnreadable("Its reader broke down.")
