"""A fake of OpenAI that has files, batches and fine-tuning jobs."""

import re
import time
from typing import Any, Literal

import orjson

from tests.support.fakes.base import (
    Action,
    Recorded,
    Said,
    body_of,
    drop_before_head,
    silence,
    status,
)
from tests.support.fakes.openai import FakeOpenAI

PART = re.compile(rb'name="file"; filename="[^"]*"\r\n[^\r]*\r\n\r\n(.*?)\r\n--', re.DOTALL)


class FakeOpenAIBatches(FakeOpenAI):
    """Batches stay `in_progress` until `finish()`; `looks` counts how often one was looked at.

    With `loses_answers` a batch (or a job) is made and nobody is told: the connection breaks off,
    or hangs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.looks = 0
        self.at_once = False
        self.loses_answers: Literal["", "breaks", "hangs"] = ""

    def finish(self) -> None:
        for batch in self.batches.values():
            self._finish(batch)

    def other(self, recorded: Recorded) -> Action | None:
        path = recorded.path.removeprefix("/v1")
        if path == "/files" and recorded.method == "POST":
            return self._upload(recorded.body)
        if path.startswith("/files/") and path.endswith("/content"):
            return body_of(self.files[path.split("/")[2]], "application/octet-stream")
        if path == "/batches":
            return (
                self._create(recorded.body) if recorded.method == "POST" else self._list(recorded)
            )
        if path.startswith("/batches/"):
            return self._one(path.split("/")[2], cancels=path.endswith("/cancel"))
        return super().other(recorded)

    def _upload(self, form: bytes) -> Action:
        found = PART.search(form)
        if found is None:
            return status(400)
        name = f"file-{len(self.files) + 1}"
        self.files[name] = found[1]
        told = {"id": name, "object": "file", "bytes": len(found[1]), "purpose": "batch"}
        return body_of(orjson.dumps(told))

    def _create(self, asked: dict[str, Any]) -> Action:
        name = f"batch_{len(self.batches) + 1}"
        batch = {**asked, "id": name, "object": "batch", "status": "in_progress"}
        batch["created_at"] = int(time.time())
        self.batches[name] = batch
        if self.at_once:
            self._finish(batch)
        return self.unless_lost(batch)

    def unless_lost(self, made: dict[str, Any]) -> Action:
        if self.loses_answers == "hangs":
            return silence(None)
        return drop_before_head() if self.loses_answers else body_of(orjson.dumps(made))

    def _list(self, recorded: Recorded) -> Action:
        return page_of(list(self.batches.values()), recorded, "after")

    def _one(self, name: str, *, cancels: bool) -> Action:
        self.looks += 1
        batch = self.batches.get(name)
        if batch is None:
            return status(404)
        if cancels:
            batch["status"] = "cancelling"
        return body_of(orjson.dumps(batch))

    def _finish(self, batch: dict[str, Any]) -> None:
        """Answer every line; one whose user says `fail` is refused."""
        right, wrong = [], []
        for line in map(orjson.loads, self.files[batch["input_file_id"]].splitlines()):
            failing = line["body"].get("user") == "fail"
            body = self._failed() if failing else self._whole(line)
            answer = {
                "id": f"batch_req_{len(right) + len(wrong)}",
                "custom_id": line["custom_id"],
                "response": {"status_code": 400 if failing else 200, "body": body},
                "error": None,
            }
            (wrong if failing else right).append(orjson.dumps(answer))
        for name, lines in (("output_file_id", right), ("error_file_id", wrong)):
            if lines:
                batch[name] = f"{name}-{batch['id']}"
                self.files[batch[name]] = b"\n".join(reversed(lines))
        batch["status"] = "completed"

    def _whole(self, line: dict[str, Any]) -> dict[str, Any]:
        return FakeOpenAI.whole(FakeOpenAI(), Said(), line["body"])

    def _failed(self) -> dict[str, Any]:
        return self.error(400, "No.")


def page_of(made: list[dict[str, Any]], recorded: Recorded, cursor: str) -> Action:
    """A list as vendors page it: newest first, 20 unless more are asked for."""
    newest = made[::-1]
    after, limit = recorded.query.get(cursor), int(recorded.query.get("limit", "20"))
    start = 1 + [one["id"] for one in newest].index(after) if after else 0
    shown = newest[start : start + limit]
    more = start + limit < len(newest)
    return body_of(orjson.dumps({"object": "list", "data": shown, "has_more": more}))
