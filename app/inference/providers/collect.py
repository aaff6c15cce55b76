"""Stream events gathered into the parts of one assistant message."""

from collections.abc import Sequence

from app.inference.providers.types import (
    ChatResult,
    Citation,
    CitationDelta,
    Finished,
    Part,
    ReasoningDelta,
    ReasoningPart,
    StreamEvent,
    TextDelta,
    TextPart,
    TokenLogprob,
    ToolCallDelta,
    ToolCallPart,
    ToolCallStart,
    Usage,
    UsageReport,
)


def joined(events: Sequence[StreamEvent]) -> Sequence[StreamEvent]:
    """The events, with pieces of plain text that follow each other as one."""
    if len(events) < 2:
        return events
    made: list[StreamEvent] = []
    pieces: list[str] = []
    for event in events:
        if isinstance(event, TextDelta) and not event.logprobs and not event.refusal:
            pieces.append(event.text)
            continue
        if pieces:
            made.append(TextDelta("".join(pieces)))
            pieces.clear()
        made.append(event)
    if pieces:
        made.append(TextDelta("".join(pieces)))
    return made


class Collector:
    """Builds a message from events, complete or broken off; `finished` tells which.

    A text ends where one begins that has not been cited yet, so that each part stands with its own
    citations. One whose citations name their places in the answer goes on. A refusal is a part of
    its own.
    """

    def __init__(self, dialect: str) -> None:
        self.usage = Usage()
        self.finished: Finished | None = None
        self._dialect = dialect
        self._parts: list[Part] = []
        self._text: list[str] = []
        self._refuses = False
        self._logprobs: list[TokenLogprob] = []
        self._citations: list[Citation] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, tuple[ToolCallStart, list[str]]] = {}

    def add(self, event: StreamEvent) -> None:
        match event:
            case TextDelta():
                self._add_text(event)
            case ReasoningDelta():
                self._add_reasoning(event)
            case CitationDelta():
                self._citations.append(event.citation)
            case ToolCallStart():
                self._calls[event.index] = (event, [])
            case ToolCallDelta():
                self._calls[event.index][1].append(event.arguments)
            case UsageReport():
                self.usage = event.usage
            case Finished():
                self.finished = event

    def parts(self) -> tuple[Part, ...]:
        """Give what has come so far, in order; tool calls stand last."""
        self._end_reasoning()
        self._end_text()
        calls = (
            ToolCallPart(
                start.id, start.name, "".join(pieces) or "{}", start.signature, self._dialect
            )
            for start, pieces in self._calls.values()
        )
        return (*self._parts, *calls)

    def result(self) -> ChatResult:
        if self.finished is None:
            raise ValueError("the stream has not finished")
        end = self.finished
        return ChatResult(
            self.parts(), end.reason, self.usage, end.model, end.response_id, end.stop_sequence
        )

    def _add_text(self, event: TextDelta) -> None:
        self._end_reasoning()
        is_cited = any(citation.unit != "answer" for citation in self._citations)
        if is_cited or event.refusal is not self._refuses:
            self._end_text()
        self._refuses = event.refusal
        self._text.append(event.text)
        if event.logprobs:
            self._logprobs += event.logprobs

    def _add_reasoning(self, event: ReasoningDelta) -> None:
        self._end_text()
        if event.redacted is not None:
            self._end_reasoning()
            self._parts.append(ReasoningPart("", None, event.redacted, self._dialect))
            return
        self._reasoning.append(event.text)
        if event.signature is not None:
            self._end_reasoning(event.signature)

    def _end_reasoning(self, signature: str | None = None) -> None:
        if self._reasoning:
            text = "".join(self._reasoning)
            self._reasoning.clear()
            self._parts.append(ReasoningPart(text, signature, None, self._dialect))

    def _end_text(self) -> None:
        if self._text or self._citations:
            text, cited = "".join(self._text), tuple(self._citations)
            logprobs = tuple(self._logprobs)
            self._parts.append(TextPart(text, cited, logprobs, refusal=self._refuses))
            self._text.clear()
            self._logprobs.clear()
            self._citations.clear()
