"""What a client has been given of an answer, so that another candidate can go on from there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Final, Protocol

from app.inference.dialects.dialect import Renderer
from app.inference.gate.call import Load
from app.inference.providers.codec import StreamDecoder
from app.inference.providers.events import DECODING_ERRORS
from app.inference.providers.sse import SseReader
from app.inference.providers.types import (
    CONTINUE_PROMPT,
    ChatRequest,
    Finished,
    Message,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    TextPart,
    ToolCallStart,
    Usage,
    UsageReport,
)
from app.inference.usage.service import estimate_text

COUNTED: Final = tuple(each.name for each in fields(Usage) if each.name != "service_tier")


class Decoding(Protocol):
    """Who can read frames: the client's dialect, or a provider's codec."""

    def decoder(self) -> StreamDecoder: ...


@dataclass(slots=True)
class Heard:
    """`calling` turns true with a tool call, `refusing` with a refusal, `finished` with the end.

    `spent` is what the attempts before have used, `relayed` what left of them as bytes, `renderer`
    who rendered the rest.
    """

    text: str = ""
    reasoned: int = 0
    calling: bool = False
    refusing: bool = False
    finished: bool = False
    spent: Usage = field(default_factory=Usage)
    relayed: bytes = b""
    renderer: Renderer | None = None

    def add(self, events: Iterable[StreamEvent]) -> Usage | None:
        """Take what was given; returns the last usage that was told."""
        usage, said = None, [self.text]
        for event in events:
            match event:
                case TextDelta():
                    said.append(event.text)
                    self.refusing = self.refusing or event.refusal
                case ReasoningDelta():
                    self.reasoned += len(event.text)
                case ToolCallStart():
                    self.calling = True
                case UsageReport():
                    usage = event.usage
                case Finished():
                    self.finished = True
        self.text = "".join(said)
        return usage

    def load(self, begun: Load) -> Load:
        """What the request for the rest asks for: all that it began with, and what was heard."""
        more = estimate_text(self.text) + estimate_text(CONTINUE_PROMPT) if self.text else 0
        return replace(begun, input_tokens=begun.input_tokens + more)

    def add_bytes(self, blocks: Sequence[bytes], dialect: Decoding) -> None:
        """The same of frames that were passed on as they came."""
        self.relayed += b"".join(blocks)
        self.add(decoded(b"".join(blocks), dialect))


def decoded(frames: bytes, dialect: Decoding) -> list[StreamEvent]:
    """The events of a stream that broke off, as far as they can be read."""
    events: list[StreamEvent] = []
    decoder, reader = dialect.decoder(), SseReader()
    try:
        for data in reader.feed(frames):
            events.extend(decoder.feed(data))
        events.extend(decoder.end())
    except DECODING_ERRORS:
        pass
    return events


def obstacle(request: ChatRequest, heard: Heard) -> str | None:
    """Why nobody can go on with this answer; None where one can."""
    several = any(_several(request.extra.get(name)) for name in ("n", "candidateCount"))
    obstacles = (
        (heard.calling, "a tool call had begun"),
        (heard.refusing, "it was a refusal"),
        (heard.finished, "its end had been told"),
        (request.response_format is not None, "it was to be of a given structure"),
        (request.logprobs or request.top_logprobs, "it came with log probabilities"),
        (several, "there were several answers"),
    )
    return next((why for stands, why in obstacles if stands), None)


def _several(count: object) -> bool:
    return isinstance(count, int) and count > 1


def continued(request: ChatRequest, heard: Heard) -> ChatRequest:
    """The request for the rest of an answer that broke off; the same where none had begun."""
    if not heard.text:
        return request
    limit = request.max_output_tokens
    return replace(
        request,
        messages=(
            *request.messages,
            Message("assistant", (TextPart(heard.text),)),
            Message("user", (TextPart(CONTINUE_PROMPT),)),
        ),
        max_output_tokens=max(1, limit - estimate_text(heard.text)) if limit else limit,
    )


def total(one: Usage, other: Usage) -> Usage:
    """What two attempts have used together, the tier the later one's."""
    return replace(other, **{name: getattr(one, name) + getattr(other, name) for name in COUNTED})
