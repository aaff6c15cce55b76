"""A fake of Anthropic that has message batches."""

from typing import Any

import orjson

from app.core.clock import now
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import Action, Recorded, Said, body_of, drop_before_head, status
from tests.support.fakes.openai_batches import page_of


class FakeAnthropicBatches(FakeAnthropic):
    """A batch has ended the second time that it is looked at.

    With `loses_answers` a batch is made and nobody is told: the connection breaks off.
    """

    def __init__(self) -> None:
        super().__init__()
        self.batches: dict[str, list[dict[str, Any]]] = {}
        self.made_at: dict[str, str] = {}
        self.looks = 0
        self.loses_answers = False

    def other(self, recorded: Recorded) -> Action | None:
        _, found, rest = recorded.path.partition("/messages/batches")
        if not found:
            return None
        if not rest and recorded.method == "GET":
            made = [self._document(name, "in_progress") for name in self.batches]
            return page_of(made, recorded, "after_id")
        if not rest:
            name = self.make(recorded.body["requests"])
            return drop_before_head() if self.loses_answers else self._told(name, "in_progress")
        name, _, after = rest.lstrip("/").partition("/")
        if name not in self.batches:
            return status(404)
        if after == "results":
            return body_of(self._results(name), "application/x-jsonl")
        self.looks += 1
        return self._told(name, "ended" if self.looks > 1 else "in_progress")

    def make(self, requests: list[dict[str, Any]]) -> str:
        name = f"msgbatch_{len(self.batches) + 1}"
        self.batches[name], self.made_at[name] = requests, now().isoformat()
        return name

    def _told(self, name: str, state: str) -> Action:
        return body_of(orjson.dumps(self._document(name, state)))

    def _document(self, name: str, state: str) -> dict[str, Any]:
        counts = {"processing": len(self.batches[name]), "succeeded": 0, "errored": 0}
        told = {"id": name, "type": "message_batch", "processing_status": state}
        return {**told, "created_at": self.made_at[name], "request_counts": counts}

    def _results(self, name: str) -> bytes:
        lines = []
        for request in self.batches[name]:
            message = self.whole(Said(), request["params"])
            result: dict[str, Any] = {"type": "succeeded", "message": message}
            if request["params"].get("max_tokens") == 1:
                error = self.error(400, "Too short.")
                result = {"type": "errored", "error": error}
            lines.append(orjson.dumps({"custom_id": request["custom_id"], "result": result}))
        return b"\n".join(lines)
