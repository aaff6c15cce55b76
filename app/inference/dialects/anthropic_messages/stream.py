"""Canonical events as the events of a message."""

from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from app.inference.dialects.anthropic_messages.render import (
    finish_row,
    opening_row,
    proof_blocks,
    read_arguments,
    redacted_block,
    usage_row,
)
from app.inference.dialects.framing import payload
from app.inference.dialects.signatures import Proof, wrap
from app.inference.providers.anthropic_messages.citations import citation_row
from app.inference.providers.types import (
    Citation,
    CitationDelta,
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)

STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
EMPTY: Final[dict[str, dict[str, Any]]] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}


@dataclass(slots=True)
class OpenCall:
    """A tool call whose block is open, with the arguments that it has so far."""

    block: int
    arguments: str = ""


@dataclass(slots=True)
class Relayed:
    """Where a message stands of which frames have left; `opened` are blocks with their kinds."""

    begun: bool = False
    blocks: int = 0
    opened: dict[int, str] = field(default_factory=dict)


class EventRenderer:
    """Renders the events of one stream; keeps what the ledger wants to know.

    Only one block of text or thinking is open at a time. Tool calls whose arguments come mixed
    stay open side by side. Thinking that ends without a proof gets one that says so.
    """

    def __init__(self, model: str, *, relayed: bytes = b"") -> None:
        self.usage: Usage | None = None
        self.written = 0
        self.finished = False
        self._model = model
        at = read_relayed(relayed)
        self._begun = at.begun
        self._blocks = at.blocks
        self._kind, self._block = "", -1
        self._cited: Citation | None = None
        # Those of the answer that broke off have no index of ours, and are not gone on with.
        self._calls: dict[int, OpenCall] = {}
        for block, kind in at.opened.items():
            if kind in EMPTY:
                self._kind, self._block = kind, block
            else:
                self._calls[-1 - block] = OpenCall(block, "{}")

    def render(self, event: StreamEvent) -> bytes:  # noqa: PLR0911 - a return a kind of event
        match event:
            case TextDelta():
                return self._text(event.text)
            case ReasoningDelta():
                return self._reasoning(event)
            case CitationDelta():
                return self._citation(event.citation)
            case ToolCallStart():
                return self._call(event)
            case ToolCallDelta():
                return self._arguments(event)
            case UsageReport():
                self.usage = event.usage
                return b""
            case Finished():
                return self._closing(event)

    def _text(self, text: str) -> bytes:
        self.written += len(text)
        # What was cited stands with its sources; words after it are a block of their own.
        fresh = self._cited is not None and self._cited.unit != "answer"
        opening = self._enter("text", fresh=fresh)
        return opening + delta(self._block, {"type": "text_delta", "text": text})

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        self.written += len(event.text)
        if event.redacted is not None:
            block = redacted_block(event.redacted, self._model)
            return self._opening() + self._leave() + self._whole(block)
        if not event.text and event.signature is None:
            return b""
        frames = [self._enter("thinking")]
        if event.text:
            frames.append(delta(self._block, {"type": "thinking_delta", "thinking": event.text}))
        if event.signature is not None:
            frames += (self._proof(event.signature), self._leave(proven=True))
        return b"".join(frames)

    def _citation(self, citation: Citation) -> bytes:
        opening = self._enter("text")
        self._cited = citation
        row = {"type": "citations_delta", "citation": citation_row(citation)}
        return opening + delta(self._block, row)

    def _call(self, start: ToolCallStart) -> bytes:
        frames = [self._opening(), self._leave(), self._stop_calls()]
        frames += map(self._whole, proof_blocks(start.id, start.signature, self._model))
        call = self._calls[start.index] = OpenCall(self._take_block())
        block = {"type": "tool_use", "id": start.id, "name": start.name, "input": {}}
        return b"".join((*frames, block_start(call.block, block)))

    def _arguments(self, event: ToolCallDelta) -> bytes:
        call = self._calls.get(event.index)
        if call is None or not event.arguments:
            return b""
        self.written += len(event.arguments)
        call.arguments += event.arguments
        return delta(call.block, {"type": "input_json_delta", "partial_json": event.arguments})

    def _closing(self, end: Finished) -> bytes:
        self.finished = True
        frames = (self._opening(), self._leave(), self._stop_calls(every=True))
        usage = usage_row(self.usage or Usage())
        last = frame({"type": "message_delta", "delta": finish_row(end), "usage": usage})
        return b"".join((*frames, last, STOP))

    def _opening(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        usage = usage_row(self.usage or Usage())
        message = opening_row(self._model) | {
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage | {"output_tokens": 0},
        }
        return frame({"type": "message_start", "message": message})

    def _enter(self, kind: str, *, fresh: bool = False) -> bytes:
        """Stand in an open block of this kind; `fresh` does not go on with one that is there."""
        if self._kind == kind and not fresh:
            return b""
        frames = (self._opening(), self._leave(), self._stop_calls())
        self._block, self._kind = self._take_block(), kind
        return b"".join((*frames, block_start(self._block, EMPTY[kind])))

    def _leave(self, *, proven: bool = False) -> bytes:
        if not self._kind:
            return b""
        proof = self._proof("") if self._kind == "thinking" and not proven else b""
        self._kind, self._cited = "", None
        return proof + block_stop(self._block)

    def _proof(self, signature: str) -> bytes:
        proof = wrap(Proof(self._model, signature))
        return delta(self._block, {"type": "signature_delta", "signature": proof})

    def _stop_calls(self, *, every: bool = False) -> bytes:
        """Close the calls that are complete, as far as their arguments tell it."""
        complete = [
            index
            for index, call in self._calls.items()
            if every or (call.arguments and read_arguments(call.arguments) is not None)
        ]
        return b"".join(block_stop(self._calls.pop(index).block) for index in complete)

    def _whole(self, block: dict[str, Any]) -> bytes:
        at = self._take_block()
        return block_start(at, block) + block_stop(at)

    def _take_block(self) -> int:
        self._blocks += 1
        return self._blocks - 1


def frame(event: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(event))


def delta(block: int, change: dict[str, Any]) -> bytes:
    head = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":'
    return head % block + orjson.dumps(change) + b"}\n\n"


def block_start(at: int, block: dict[str, Any]) -> bytes:
    return frame({"type": "content_block_start", "index": at, "content_block": block})


def block_stop(at: int) -> bytes:
    return frame({"type": "content_block_stop", "index": at})


def read_relayed(frames: bytes) -> Relayed:
    """Where the frames leave off: how many blocks there are, and which are open."""
    at = Relayed()
    for piece in frames.replace(b"\r\n", b"\n").split(b"\n\n"):
        if b"content_block_delta" in piece.partition(b"\n")[0]:
            continue
        text = payload(piece)
        event = orjson.loads(text) if text else {}
        match event.get("type"):
            case "message_start":
                at.begun = True
            case "content_block_start":
                at.blocks = max(at.blocks, event["index"] + 1)
                at.opened[event["index"]] = event["content_block"]["type"]
            case "content_block_stop":
                at.opened.pop(event["index"], None)
    return at
