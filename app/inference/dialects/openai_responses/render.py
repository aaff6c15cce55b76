"""Canonical events as those of a response."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from app.inference.dialects.openai_responses.items import (
    CallItem,
    Item,
    MessageItem,
    ReasoningItem,
    RefusalItem,
    Writer,
)
from app.inference.dialects.openai_responses.relayed import Relayed
from app.inference.dialects.openai_responses.rows import Row, response_row
from app.inference.dialects.openai_responses.usage import usage_row
from app.inference.dialects.signatures import Proof, wrap
from app.inference.providers.types import (
    ChatResult,
    CitationDelta,
    Finished,
    FinishReason,
    ReasoningDelta,
    ReasoningPart,
    StreamEvent,
    TextDelta,
    TextPart,
    ToolCallDelta,
    ToolCallPart,
    ToolCallStart,
    Usage,
    UsageReport,
)

# Why an answer that stopped so is not complete; the others are.
INCOMPLETE: dict[FinishReason, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}


class EventRenderer:
    """Renders the events of one stream; keeps what the ledger wants to know.

    `response` is the object as it stands. One text or one reasoning is being written at a time;
    calls may run beside each other, and close at the end.
    """

    def __init__(self, asked: Mapping[str, Any], model: str, *, relayed: bytes = b"") -> None:
        self.usage: Usage | None = None
        self.written = 0
        self.finished = False
        before = Relayed(relayed)
        self.response: Row = before.response or response_row(asked, model)
        self._model = model
        self._begun = before.response is not None
        self._writer = Writer(before.number)
        self._rows = before.rows
        self._next = before.following
        self._open: dict[int, Item] = {**before.open}
        self._calls: dict[int, CallItem] = {}
        self._refused = False

    def render(self, event: StreamEvent) -> bytes:
        if isinstance(event, UsageReport):
            self.usage = event.usage
            return b""
        if self._begun:
            return self._render(event)
        self._begun = True
        names = ("response.created", "response.in_progress")
        opening = [self._writer.event(name, response=self.response) for name in names]
        return b"".join(opening) + self._render(event)

    def _render(self, event: StreamEvent) -> bytes:  # noqa: PLR0911 - a return a kind of event
        match event:
            case TextDelta():
                self.written += len(event.text)
                if event.refusal:
                    return self._refuse(event.text)
                opening, message = self._message()
                return opening + message.add(event, self._writer)
            case CitationDelta():
                opening, message = self._message()
                return opening + message.cite(event.citation, self._writer)
            case ReasoningDelta():
                self.written += len(event.text)
                return self._reason(event)
            case ToolCallStart():
                closing = self._close_all("completed", but=CallItem)
                call = self._calls[event.index] = CallItem(self._place(), event)
                return closing + self._opened(call)
            case ToolCallDelta():
                self.written += len(event.arguments)
                return self._calls[event.index].add(event.arguments, self._writer)
            case Finished():
                return self._closing(event)
        return b""

    def _message(self) -> tuple[bytes, MessageItem]:
        """The message under way, or a new one with its opening."""
        for item in self._open.values():
            if isinstance(item, MessageItem):
                return b"", item
        closing = self._close_all("completed", but=CallItem)
        message = MessageItem(self._place())
        return closing + self._opened(message), message

    def _refuse(self, text: str) -> bytes:
        self._refused = True
        for item in self._open.values():
            if isinstance(item, RefusalItem):
                return item.add(text, self._writer)
        closing = self._close_all("completed", but=CallItem)
        refusal = RefusalItem(self._place())
        return closing + self._opened(refusal) + refusal.add(text, self._writer)

    def _reason(self, event: ReasoningDelta) -> bytes:
        under_way = [item for item in self._open.values() if isinstance(item, ReasoningItem)]
        frames = b""
        if not under_way or event.redacted is not None:
            frames = self._close_all("completed", but=CallItem)
            under_way = [ReasoningItem(self._place())]
            frames += self._opened(under_way[0])
        item = under_way[0]
        if event.text:
            frames += item.add(event.text, self._writer)
        if event.signature is None and event.redacted is None:
            return frames
        value, redacted = event.redacted or event.signature or "", event.redacted is not None
        item.encrypted = wrap(Proof(self._model, value, redacted=redacted))
        return frames + self._close(item, "completed")

    def _closing(self, event: Finished) -> bytes:
        self.finished = True
        refuses_in_words = event.reason == "refusal" and self._refused
        lacks = None if refuses_in_words else INCOMPLETE.get(event.reason)
        status = "incomplete" if lacks else "completed"
        frames = self._close_all(status)
        self.response = self.response | {
            "status": status,
            "completed_at": None if lacks else int(time.time()),
            "incomplete_details": {"reason": lacks} if lacks else None,
            "output": [self._rows[index] for index in sorted(self._rows)],
            "usage": usage_row(self.usage or Usage()),
        }
        return frames + self._writer.event(f"response.{status}", response=self.response)

    def _place(self) -> int:
        self._next += 1
        return self._next - 1

    def _opened(self, item: Item) -> bytes:
        self._open[item.index] = item
        return item.opening(self._writer)

    def _close_all(self, status: str, but: type[Item] | None = None) -> bytes:
        closing = [
            self._close(item, status)
            for item in list(self._open.values())
            if but is None or not isinstance(item, but)
        ]
        return b"".join(closing)

    def _close(self, item: Item, status: str) -> bytes:
        del self._open[item.index]
        self._rows[item.index] = item.row(status)
        return item.closing(self._writer, status)


def render_result(result: ChatResult, model: str, asked: Mapping[str, Any]) -> bytes:
    """A whole answer: what its stream would have ended with."""
    renderer = EventRenderer(asked, model)
    for event in events_of(result):
        renderer.render(event)
    return orjson.dumps(renderer.response)


def events_of(result: ChatResult) -> Iterator[StreamEvent]:
    for index, part in enumerate(result.parts):
        match part:
            case TextPart():
                yield TextDelta(part.text, part.logprobs, part.refusal)
                yield from map(CitationDelta, part.citations)
            case ReasoningPart():
                yield ReasoningDelta(part.text, part.signature, part.redacted)
            case ToolCallPart():
                yield ToolCallStart(index, part.id, part.name, part.signature)
                yield ToolCallDelta(index, part.arguments)
    yield UsageReport(result.usage)
    yield Finished(result.finish_reason, result.model, result.response_id)
