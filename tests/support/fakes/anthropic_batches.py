"""A fake of Anthropic that has message batches."""

from typing import Any

import orjson

from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import Action, Recorded, Said, body_of, status


class FakeAnthropicBatches(FakeAnthropic):
    """A batch has ended the second time that it is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: dict[str, list[dict[str, Any]]] = {}
        self.looks = 0

    def other(self, recorded: Recorded) -> Action | None:
        _, found, rest = recorded.path.partition("/messages/batches")
        if not found:
            return None
        if not rest:
            name = f"msgbatch_{len(self.batches) + 1}"
            self.batches[name] = recorded.body["requests"]
            return self._told(name, "in_progress")
        name, _, after = rest.lstrip("/").partition("/")
        if name not in self.batches:
            return status(404)
        if after == "results":
            return body_of(self._results(name), "application/x-jsonl")
        self.looks += 1
        return self._told(name, "ended" if self.looks > 1 else "in_progress")

    def _told(self, name: str, state: str) -> Action:
        told = {"id": name, "type": "message_batch", "processing_status": state}
        return body_of(orjson.dumps(told))

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
