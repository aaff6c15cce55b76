"""Answers on their way to a client: checked by guardrails, and heard by the cache."""

from collections.abc import Sequence
from typing import Final

from app.core.errors import AppError
from app.inference.cache.responses import CacheUse
from app.inference.calls.attempt import Attempt
from app.inference.calls.byte_leg import ByteLeg
from app.inference.calls.event_leg import EventLeg
from app.inference.calls.heard import Heard, decoded
from app.inference.calls.wire import codec_of
from app.inference.dialects.dialect import Dialect
from app.inference.dialects.openai_responses.dialect import NAME as RESPONSES
from app.inference.dialects.openai_responses.whole import decode_response, decode_stream
from app.inference.guardrails.answer import AnswerGuard
from app.inference.guardrails.guard import Guard
from app.inference.integrations.directory import Endpoint
from app.inference.providers.collect import Collector
from app.inference.providers.events import DECODING_ERRORS
from app.inference.providers.types import ChatResult, Events, StreamEvent

MOST_BYTES: Final = 1024 * 1024
EVENT_BYTES: Final = 50


class Kept:
    """What the cache hears of an answer; it forgets one that is too long, or has a seam."""

    def __init__(self, use: CacheUse, dialect: Dialect) -> None:
        self.use = use
        self._dialect = dialect
        self._result: ChatResult | None = None
        self._events: list[StreamEvent] = []
        self._blocks: list[bytes] = []
        self._size = 0
        self._endpoint: Endpoint | None = None
        self._spoiled = False

    def begin(self, endpoint: Endpoint, *, continues: bool) -> None:
        """An attempt has begun to answer: a new one, or one that goes on with another's answer."""
        self._spoiled = continues
        self._result, self._endpoint, self._size = None, endpoint, 0
        self._events.clear()
        self._blocks.clear()

    def hear(self, events: Sequence[StreamEvent]) -> None:
        self._size += EVENT_BYTES * len(events)
        if self._size <= MOST_BYTES:
            self._events += events

    def hear_bytes(self, block: bytes) -> None:
        self._size += len(block)
        if self._size <= MOST_BYTES:
            self._blocks.append(block)

    def hear_whole(self, endpoint: Endpoint, answer: bytes | ChatResult) -> None:
        self.begin(endpoint, continues=False)
        if isinstance(answer, bytes):
            self._size = len(answer)
            if self._size <= MOST_BYTES:
                self._result = read(answer, endpoint, self._dialect, streamed=False)
        else:
            self._result = answer

    def keep(self, attempt: Attempt, guard: Guard | None) -> bool:
        """Have the cache keep the answer of a settled attempt, if it may; tells whether it will."""
        if self._spoiled or self._size > MOST_BYTES or (guard is not None and guard.flagged):
            return False
        result = self._result or self._collected()
        if result is None:
            return False
        target, cost = attempt.target, attempt.call.cost
        return self.use.keep(result, cost=cost, provider=target.endpoint.kind, model=target.model)

    def _collected(self) -> ChatResult | None:
        if self._endpoint is None:
            return None
        if self._blocks:
            return read(b"".join(self._blocks), self._endpoint, self._dialect, streamed=True)
        return gathered(self._events, self._endpoint)


def read(
    answer: bytes, endpoint: Endpoint, dialect: Dialect, *, streamed: bool
) -> ChatResult | None:
    """A whole answer that passed in the client's dialect; None where it cannot be read."""
    try:
        if dialect.name == RESPONSES:
            return decode_stream(answer) if streamed else decode_response(answer)
        codec = codec_of(endpoint)
        return gathered(decoded(answer, codec), endpoint) if streamed else codec.decode(answer)
    except DECODING_ERRORS:
        return None


def gathered(events: Sequence[StreamEvent], endpoint: Endpoint) -> ChatResult | None:
    """The answer that these events are; None where its end has not come."""
    collector = Collector(endpoint.dialect)
    for event in events:
        collector.add(event)
    return collector.result() if collector.finished is not None else None


class WatchedLeg(EventLeg):
    """An EventLeg that gives only what may leave.

    What it tells of the answer so far is what the model wrote, placeholders and all: another
    candidate that goes on from there is told no more than the first one was.
    """

    def __init__(
        self,
        events: Events,
        heard: Heard | None,
        endpoint: Endpoint,
        answer: AnswerGuard | None,
        kept: Kept | None = None,
    ) -> None:
        super().__init__(events, heard)
        self._continues = heard is not None
        self._endpoint: Endpoint | None = endpoint
        self._answer = answer
        self._listener = kept
        self._refusal: AppError | None = None

    async def read(self) -> list[StreamEvent]:
        if self._listener is not None and self._endpoint is not None:
            self._listener.begin(self._endpoint, continues=self._continues)
            self._endpoint = None
        while self._refusal is None and (events := await super().read()):
            if self._answer is not None:
                events = await self._checked(self._answer, events)
            if self._listener is not None:
                self._listener.hear(events)
            if events:
                return events
        if self._refusal is not None:
            raise self._refusal
        return []

    async def _checked(
        self, answer: AnswerGuard, events: Sequence[StreamEvent]
    ) -> list[StreamEvent]:
        """What may leave; a refusal is kept until what came before it has left."""
        ready: list[StreamEvent] = []
        try:
            for event in events:
                ready += await answer.feed(event)
        except AppError as error:
            self._refusal = error
        return ready


class HeardBytes:
    """A ByteLeg that the cache listens to."""

    def __init__(self, leg: ByteLeg, endpoint: Endpoint, kept: Kept) -> None:
        self._leg = leg
        self._kept = kept
        self._endpoint: Endpoint | None = endpoint

    @property
    def done(self) -> bool:
        return self._leg.done

    async def read(self) -> bytes:
        if self._endpoint is not None:
            self._kept.begin(self._endpoint, continues=False)
            self._endpoint = None
        block = await self._leg.read()
        self._kept.hear_bytes(block)
        return block

    def note(self, attempt: Attempt) -> None:
        self._leg.note(attempt)

    def hear(self, heard: Heard) -> bool:
        return self._leg.hear(heard)

    def close(self) -> None:
        self._leg.close()
