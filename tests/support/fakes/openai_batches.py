"""A fake of OpenAI that has files, batches and fine-tuning jobs."""

import re
from typing import Any

import orjson

from tests.support.fakes.base import Action, Recorded, Said, body_of, status
from tests.support.fakes.openai import FakeOpenAI

PART = re.compile(rb'name="file"; filename="[^"]*"\r\n[^\r]*\r\n\r\n(.*?)\r\n--', re.DOTALL)


class FakeOpenAIBatches(FakeOpenAI):
    """Batches stay `in_progress` until `finish()`; `looks` counts how often one was looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.looks = 0
        self.at_once = False

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
            return self._create(recorded.body) if recorded.method == "POST" else self._list()
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
        self.batches[name] = batch
        if self.at_once:
            self._finish(batch)
        return body_of(orjson.dumps(batch))

    def _list(self) -> Action:
        listed = {"object": "list", "data": list(self.batches.values()), "has_more": False}
        return body_of(orjson.dumps(listed))

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
