"""What the frames of an answer that broke off have told their client already."""

from typing import Any

import orjson

from app.inference.dialects.openai_responses.items import MessageItem, ReasoningItem
from app.inference.dialects.openai_responses.rows import Row


class Relayed:
    """`number` is the next event's, `rows` are the items by their place, `open` the unfinished."""

    def __init__(self, frames: bytes) -> None:
        self.response: Row | None = None
        self.number = 0
        self.rows: dict[int, Row] = {}
        self.open: dict[int, MessageItem | ReasoningItem] = {}
        for line in frames.splitlines():
            if line.startswith(b"data:"):
                self._read(line[5:])

    @property
    def following(self) -> int:
        """The place of the next item."""
        return 1 + max((*self.rows, *self.open), default=-1)

    def _read(self, written: bytes) -> None:
        try:
            event = orjson.loads(written)
        except ValueError:
            return
        if not isinstance(event, dict):
            return
        number, index = event.get("sequence_number"), event.get("output_index")
        if isinstance(number, int):
            self.number = number + 1
        response, item = event.get("response"), event.get("item")
        if isinstance(response, dict):
            self.response = response
        elif isinstance(index, int) and isinstance(item, dict):
            self._place(index, item, done=event.get("type") == "response.output_item.done")
        elif isinstance(index, int):
            self._grow(index, event)

    def _place(self, index: int, item: Row, *, done: bool) -> None:
        name = item.get("id")
        self.open.pop(index, None)
        if done or not isinstance(name, str):
            self.rows[index] = item
        elif item.get("type") == "message":
            self.open[index] = MessageItem(index, name)
        elif item.get("type") == "reasoning":
            self.open[index] = ReasoningItem(index, name)
        else:
            self.rows[index] = item

    def _grow(self, index: int, event: dict[str, Any]) -> None:
        item, delta, kind = self.open.get(index), event.get("delta"), event.get("type")
        if isinstance(item, MessageItem) and isinstance(event.get("annotation"), dict):
            item.take_annotation(event["annotation"])
        elif item is None or not isinstance(delta, str):
            return
        elif isinstance(item, ReasoningItem) and kind == "response.reasoning_summary_text.delta":
            item.text.append(delta)
        elif isinstance(item, MessageItem) and kind == "response.output_text.delta":
            item.take_text(delta)
            item.logprobs += event.get("logprobs") or []
