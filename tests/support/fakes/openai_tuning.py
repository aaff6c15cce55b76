"""A fake of OpenAI that has fine-tuning jobs."""

import time
from typing import Any

import orjson

from tests.support.fakes.base import Action, Recorded, body_of, status
from tests.support.fakes.openai_batches import FakeOpenAIBatches, page_of

TUNED = "ft:gpt-4o-mini:mine::1"


class FakeOpenAITuning(FakeOpenAIBatches):
    """A job is done when the test says so; another tenant's stands beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, dict[str, Any]] = {"ftjob-theirs": {"id": "ftjob-theirs"}}

    def succeed(self) -> None:
        for job in self.jobs.values():
            job |= {"status": "succeeded", "fine_tuned_model": TUNED, "trained_tokens": 1234}

    def other(self, recorded: Recorded) -> Action | None:
        path = recorded.path.removeprefix("/v1")
        if not path.startswith("/fine_tuning/jobs"):
            return super().other(recorded)
        name, _, after = path.removeprefix("/fine_tuning/jobs").lstrip("/").partition("/")
        if not name:
            made = self._train(recorded.body) if recorded.method == "POST" else None
            return made or page_of(list(self.jobs.values()), recorded, "after")
        if name not in self.jobs:
            return status(404)
        if after in ("events", "checkpoints"):
            return self._told(after)
        if after == "cancel":
            self.jobs[name]["status"] = "cancelled"
        return body_of(orjson.dumps(self.jobs[name]))

    def _train(self, asked: dict[str, Any]) -> Action:
        name = f"ftjob-{len(self.jobs)}"
        self.jobs[name] = {**asked, "id": name, "status": "running", "fine_tuned_model": None}
        self.jobs[name]["created_at"] = int(time.time())
        return self.unless_lost(self.jobs[name])

    def _told(self, what: str) -> Action:
        event = {"object": "fine_tuning.job.event", "id": "ftevent-1", "created_at": 1760000000}
        event |= {"level": "info", "message": "Step 1", "type": "metrics", "data": {"loss": 0.5}}
        state = {"object": "fine_tuning.job.checkpoint", "id": "ftckpt-1"}
        state |= {"created_at": 1760000000, "step_number": 10, "metrics": {"train_loss": 0.5}}
        state |= {"fine_tuned_model_checkpoint": f"{TUNED}:ckpt", "fine_tuning_job_id": "ftjob-1"}
        shown = [event if what == "events" else state]
        return body_of(orjson.dumps({"object": "list", "data": shown, "has_more": False}))
