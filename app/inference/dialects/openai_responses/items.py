"""The items of an output while they are being written: each opens, grows and closes."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from app.inference.dialects.openai_chat.citations import annotation_of
from app.inference.dialects.openai_chat.render import signed
from app.inference.dialects.openai_responses.rows import (
    Row,
    logprob_rows,
    message_row,
    new_name,
    reasoning_row,
    refusal_row,
    summary_row,
    text_row,
)
from app.inference.providers.types import Citation, TextDelta, ToolCallStart


@dataclass(slots=True)
class Writer:
    """Writes events with their numbers; `number` is the next one."""

    number: int = 0

    def event(self, kind: str, **fields: Any) -> bytes:
        told = {"type": kind, "sequence_number": self.number} | fields
        self.number += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps(told))

    def piece(self, head: bytes, text: str) -> bytes:
        """An event whose head is written already, up to its piece of text."""
        number, self.number = self.number, self.number + 1
        return b'%b%b,"sequence_number":%d}\n\n' % (head, orjson.dumps(text), number)

    def added(self, index: int, row: Row) -> bytes:
        return self.event("response.output_item.added", output_index=index, item=row)

    def ended(self, index: int, row: Row) -> bytes:
        return self.event("response.output_item.done", output_index=index, item=row)


def head_of(kind: str, **fields: Any) -> bytes:
    written = orjson.dumps({"type": kind} | fields)
    return b'event: %b\ndata: %b,"delta":' % (kind.encode(), written[:-1])


@dataclass(slots=True)
class MessageItem:
    """A message of one text, with its citations."""

    index: int
    name: str = field(default_factory=lambda: new_name("msg"))
    text: list[str] = field(default_factory=list)
    annotations: list[Row] = field(default_factory=list)
    logprobs: list[Row] = field(default_factory=list)
    length: int = 0
    _cited: bool = False
    _cited_from: int = 0
    _head: bytes = b""

    @property
    def place(self) -> Row:
        return {"item_id": self.name, "output_index": self.index, "content_index": 0}

    def take_text(self, text: str) -> None:
        if self._cited:
            self._cited, self._cited_from = False, self.length
        self.text.append(text)
        self.length += len(text)

    def take_annotation(self, annotation: Row) -> None:
        self._cited = True
        self.annotations.append(annotation)

    def opening(self, writer: Writer) -> bytes:
        part = text_row("", [], [])
        return writer.added(self.index, message_row(self.name, "in_progress", [])) + writer.event(
            "response.content_part.added", **self.place, part=part
        )

    def add(self, piece: TextDelta, writer: Writer) -> bytes:
        self.take_text(piece.text)
        if piece.logprobs:
            rows = logprob_rows(piece.logprobs)
            self.logprobs += rows
            told = self.place | {"delta": piece.text, "logprobs": rows}
            return writer.event("response.output_text.delta", **told)
        if not self._head:
            told = self.place | {"logprobs": []}
            self._head = head_of("response.output_text.delta", **told)
        return writer.piece(self._head, piece.text)

    def cite(self, citation: Citation, writer: Writer) -> bytes:
        annotation = annotation_of(citation, (self._cited_from, self.length))
        self.take_annotation(annotation)
        return writer.event(
            "response.output_text.annotation.added",
            **self.place,
            annotation_index=len(self.annotations) - 1,
            annotation=annotation,
        )

    def row(self, status: str) -> Row:
        part = text_row("".join(self.text), self.annotations, self.logprobs)
        return message_row(self.name, status, [part])

    def closing(self, writer: Writer, status: str) -> bytes:
        row = self.row(status)
        part = row["content"][0]
        told = {"text": part["text"], "logprobs": self.logprobs}
        return b"".join(
            (
                writer.event("response.output_text.done", **self.place, **told),
                writer.event("response.content_part.done", **self.place, part=part),
                writer.ended(self.index, row),
            )
        )


@dataclass(slots=True)
class RefusalItem:
    """A message in which the model says that it will not answer."""

    index: int
    name: str = field(default_factory=lambda: new_name("msg"))
    text: list[str] = field(default_factory=list)
    _head: bytes = b""

    @property
    def place(self) -> Row:
        return {"item_id": self.name, "output_index": self.index, "content_index": 0}

    def opening(self, writer: Writer) -> bytes:
        return writer.added(self.index, message_row(self.name, "in_progress", [])) + writer.event(
            "response.content_part.added", **self.place, part=refusal_row("")
        )

    def add(self, text: str, writer: Writer) -> bytes:
        self.text.append(text)
        self._head = self._head or head_of("response.refusal.delta", **self.place)
        return writer.piece(self._head, text)

    def row(self, status: str) -> Row:
        return message_row(self.name, status, [refusal_row("".join(self.text))])

    def closing(self, writer: Writer, status: str) -> bytes:
        row = self.row(status)
        part = row["content"][0]
        return b"".join(
            (
                writer.event("response.refusal.done", **self.place, refusal=part["refusal"]),
                writer.event("response.content_part.done", **self.place, part=part),
                writer.ended(self.index, row),
            )
        )


@dataclass(slots=True)
class ReasoningItem:
    """What can be seen of a model's reasoning, and its proof."""

    index: int
    name: str = field(default_factory=lambda: new_name("rs"))
    text: list[str] = field(default_factory=list)
    encrypted: str | None = None
    _head: bytes = b""

    @property
    def place(self) -> Row:
        return {"item_id": self.name, "output_index": self.index, "summary_index": 0}

    def opening(self, writer: Writer) -> bytes:
        return writer.added(self.index, reasoning_row(self.name, "in_progress", [], None))

    def add(self, text: str, writer: Writer) -> bytes:
        begins = b""
        if not self.text:
            kind = "response.reasoning_summary_part.added"
            begins = writer.event(kind, **self.place, part=summary_row(""))
        self.text.append(text)
        self._head = self._head or head_of("response.reasoning_summary_text.delta", **self.place)
        return begins + writer.piece(self._head, text)

    def row(self, status: str) -> Row:
        summary = ["".join(self.text)] if self.text else []
        return reasoning_row(self.name, status, summary, self.encrypted)

    def closing(self, writer: Writer, status: str) -> bytes:
        text, frames = "".join(self.text), b""
        if text:
            frames = writer.event(
                "response.reasoning_summary_text.done", **self.place, text=text
            ) + writer.event(
                "response.reasoning_summary_part.done", **self.place, part=summary_row(text)
            )
        return frames + writer.ended(self.index, self.row(status))


@dataclass(slots=True)
class CallItem:
    """A call of a function that the client has."""

    index: int
    start: ToolCallStart
    name: str = field(default_factory=lambda: new_name("fc"))
    arguments: list[str] = field(default_factory=list)

    @property
    def place(self) -> Row:
        return {"item_id": self.name, "output_index": self.index}

    def opening(self, writer: Writer) -> bytes:
        return writer.added(self.index, self.row("in_progress"))

    def add(self, arguments: str, writer: Writer) -> bytes:
        self.arguments.append(arguments)
        kind = "response.function_call_arguments.delta"
        return writer.event(kind, **self.place, delta=arguments)

    def row(self, status: str) -> Row:
        written = "".join(self.arguments)
        return {
            "id": self.name,
            "type": "function_call",
            "status": status,
            "call_id": self.start.id,
            "name": self.start.name,
            "arguments": written if status == "in_progress" else written or "{}",
        } | signed(self.start.signature)

    def closing(self, writer: Writer, status: str) -> bytes:
        row = self.row(status)
        kind = "response.function_call_arguments.done"
        told = {"name": self.start.name, "arguments": row["arguments"]}
        return writer.event(kind, **self.place, **told) + writer.ended(self.index, row)


Item = MessageItem | RefusalItem | ReasoningItem | CallItem
