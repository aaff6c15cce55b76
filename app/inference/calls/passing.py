"""Bytes to a provider and back: operations that we meter and do not translate."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from app.core.errors import AppError
from app.inference.calls.attempt import Attempt
from app.inference.calls.course import Course
from app.inference.calls.headers import attempt_headers, route_headers
from app.inference.calls.relaying import forget
from app.inference.calls.reply import Answer
from app.inference.calls.wire import Wire
from app.inference.integrations.directory import Target
from app.inference.providers.opening import first_token
from app.inference.providers.transport import Exchange
from app.inference.providers.transport.request import Body
from app.inference.providers.types import Usage


class Errand(Protocol):
    """One request that is passed on; the methods are asked for each candidate."""

    @property
    def method(self) -> str: ...

    @property
    def streams(self) -> bool:
        """Whether the answer is passed on as it comes (sound); else it comes whole, up to 64 MB."""
        ...

    def url(self, target: Target) -> str:
        """Where the candidate takes it; raises ProviderUnfit where it has no such operation."""
        ...

    def headers(self, target: Target) -> Mapping[str, str]:
        """Beside the candidate's credentials: `content-type`."""
        ...

    def body(self, target: Target) -> Body: ...

    def check(self, target: Target, answer: bytes) -> None:
        """Raise the ProviderError that a whole answer of status 200 is."""
        ...

    def answer(self, target: Target, answer: bytes) -> bytes:
        """A whole answer as the client is to have it."""
        ...

    def usage(self, answer: bytes) -> Usage | None:
        """What a whole answer tells of it; of a streamed one its last 64 KB are given."""
        ...

    def words(self) -> Sequence[str]:
        """The texts of the request, for guardrails."""
        ...

    def milliseconds(self, answer: bytes) -> int | None:
        """How long the answer says that the sound was."""
        ...


TAIL_BYTES = 64 * 1024
UNTOLD = "application/octet-stream"
PASSED = frozenset({
    "application/json", "application/x-ndjson", "application/x-subrip", "text/event-stream",
    "text/plain", "text/srt", "text/vtt", "image/png", "image/jpeg", "image/webp",
})  # fmt: skip
PASSED_FAMILIES = ("audio/", "video/")
TOKENS_A_SECOND = 21


class Passing:
    """Serves one errand."""

    def __init__(self, wire: Wire, course: Course, errand: Errand) -> None:
        self._wire = wire
        self._course = course
        self._errand = errand

    async def serve(self, reply: Answer) -> None:
        """Answer; raises the error of an answer that has not begun."""
        reply.headers += route_headers(self._course.grant)
        if self._errand.streams:
            await self._stream(reply)
            return
        kind, body = await self._course.opened(self._answered, forget)
        self._course.end(self._course.attempt, "succeeded")
        reply.headers += attempt_headers(self._course)
        head = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        await reply.whole(200, head, body)

    async def _answered(self, attempt: Attempt) -> tuple[bytes, bytes]:
        exchange = await self._open(attempt, whole=True)
        try:
            answer = await exchange.read_body()
        finally:
            exchange.close()
        self._errand.check(attempt.target, answer)
        attempt.usage = self._errand.usage(answer)
        self._charge(attempt, answer)
        return content_type(exchange), self._errand.answer(attempt.target, answer)

    async def _stream(self, reply: Answer) -> None:
        course = self._course
        exchange, block = await course.opened(self._begun, close)
        attempt = course.attempt
        reply.headers += attempt_headers(course)
        kind, tail = content_type(exchange), b""
        self._charge(attempt, b"")
        try:
            while block:
                tail = (tail + block)[-TAIL_BYTES:]
                await reply.stream(block, kind=kind)
                block = await exchange.read_chunk()
            attempt.usage = self._errand.usage(tail)
            self._charge(attempt, tail)
            course.end(attempt, "succeeded")
            await reply.stream(b"", more=False)
        except AppError as error:
            # A length or a last chunk that is missing tells the client that this is not all.
            course.fail(attempt, error)
            raise
        finally:
            exchange.close()
            course.end(attempt, "cancelled")

    def _charge(self, attempt: Attempt, answer: bytes) -> None:
        """Note what is paid for beside tokens: as told, else as asked for."""
        load = attempt.call.load
        attempt.images = load.images
        # Of speech that comes without a count.
        attempt.output_tokens = load.milliseconds * TOKENS_A_SECOND // 1000
        attempt.milliseconds = self._errand.milliseconds(answer) or load.milliseconds

    async def _begun(self, attempt: Attempt) -> tuple[Exchange, bytes]:
        name = attempt.target.endpoint.label
        seconds = self._wire.first_token_seconds(attempt.candidate)
        with first_token(name, seconds) as beginning:
            beginning.exchange = exchange = await self._open(attempt, whole=False)
            block = await exchange.read_chunk()
        attempt.mark_first_token()
        return exchange, block

    async def _open(self, attempt: Attempt, *, whole: bool) -> Exchange:
        errand, target = self._errand, attempt.target
        return await self._wire.open(
            attempt.candidate,
            errand.url(target),
            errand.body(target),
            method=errand.method,
            headers=errand.headers(target),
            whole=whole,
        )


def close(opened: tuple[Exchange, bytes]) -> None:
    opened[0].close()


def content_type(exchange: Exchange) -> bytes:
    """What the provider says that it is, but nothing that a browser would run as a page of ours."""
    told = exchange.headers.get("content-type", UNTOLD)
    kind = told.partition(";")[0].strip().lower()
    passed = kind in PASSED or kind.startswith(PASSED_FAMILIES)
    return (told if passed else UNTOLD).encode("latin-1")
