"""Runs of workflows as their engine leaves them, written straight to Postgres with known times."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import orjson

from app.automation.engine.assignees import meant_by
from app.automation.engine.models import WorkflowRun, WorkflowStep, WorkflowWait
from app.automation.workflows.models import Workflow
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import SYSTEM
from app.core.kernel import Kernel
from app.runs.events.models import RunEvent
from app.runs.runs.models import Run

BEGAN = now().replace(microsecond=0) - timedelta(hours=1)


def at(seconds: float) -> datetime:
    """A moment of the first run, by its clock."""
    return BEGAN + timedelta(seconds=seconds)


def flow(*nodes: dict[str, Any], edges: list[dict[str, Any]] | None = None, **more: Any) -> dict:
    return {"dsl": "flow/1", "nodes": list(nodes), "edges": edges or [], **more}


def node(name: str, /, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "http", "with": {"url": "https://shop.example.com"}, **more}


def edge(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"from": source, "to": target, **more}


def step(path: str, start: float, end: float | None, **more: Any) -> dict[str, Any]:
    """A kept attempt; seconds count from the run's beginning."""
    name = path.rpartition("/")[2].partition("#")[0].partition("[")[0]
    ready, retry = more.pop("ready", start), more.pop("retry", None)
    return {
        "path": path,
        "attempt": 0,
        "node_id": name,
        "node_type": "http",
        "status": "ok",
        "port": "out",
        "input": {},
        "output": {"from": name},
        "error": None,
        "logs": [],
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": Decimal(0),
        "copied": False,
        "ready_at": at(ready),
        "started_at": at(start),
        "ended_at": None if end is None else at(end),
        "retry_at": None if retry is None else at(retry),
        **more,
    }


def failed(path: str, start: float, end: float, code: str = "http_status", **more: Any) -> dict:
    error = {"code": code, "message": "It answered 503.", "detail": {}, "retryable": True}
    told = {"status": "error", "port": "error", "output": None, "error": error, **more}
    return step(path, start, end, **told)


def wait(path: str, start: float, end: float | None = None, **more: Any) -> dict[str, Any]:
    """Something that a run waits, or waited for."""
    name = path.rpartition("/")[2].partition("~")[0]
    return {
        "path": path,
        "attempt": 0,
        "node_id": name,
        "kind": "approval",
        "status": "open" if end is None else "brought",
        "subject": None,
        "match": None,
        "shown": {"title": f"Agree to {name}?", "data": {}},
        "assignees": [],
        "brought": None,
        "until": None,
        "created_at": at(start),
        "updated_at": at(start if end is None else end),
        **more,
    }


@dataclass
class Keeper:
    """Writes what a person's workflows and runs would have left."""

    kernel: Kernel
    workspace_id: UUID
    user_id: UUID

    @property
    def access(self) -> Access:
        return Access(self.workspace_id, self.user_id, frozenset(Permission), "session", uuid4())

    async def workflow(self, name: str = "Order", **more: Any) -> Workflow:
        row = Workflow(
            id=uuid4(),
            workspace_id=self.workspace_id,
            owner_id=self.user_id,
            name=name,
            slug=f"{name.lower()}-{uuid4().hex[:8]}",
            current_version=1,
            **more,
        )
        await self._add(row)
        return row

    async def run(self, workflow: Workflow, definition: dict[str, Any], **more: Any) -> UUID:
        """A run of `seconds`, `after` the first one by so much; `steps` are in their order."""
        run_id, moment = uuid4(), BEGAN + timedelta(seconds=more.pop("after", 0))
        seconds = more.pop("seconds", 10)
        status, error = more.pop("status", "completed"), more.pop("error", None)
        ended = None if status in ("running", "paused") else moment + timedelta(seconds=seconds)
        ids = {"workspace_id": self.workspace_id, "user_id": more.pop("user_id", self.user_id)}
        cost, output = more.pop("cost_usd", Decimal(0)), more.pop("output", None)
        steps, waits = more.pop("steps", ()), more.pop("waits", ())
        events = more.pop("events", ())
        told = {
            "workflow_version": 1,
            "inputs": {},
            "interpreter": 1,
            "trigger": "api",
            "priority": 5,
            "admitted_at": moment,
            "labels": {},
            **more,
        }
        run = Run(
            id=run_id,
            kind="kept",  # nobody carries it out
            status=status,
            subject_id=workflow.id,
            input={},
            result={"output": output},
            error=error,
            last_seq=len(events),
            cost_usd=cost,
            created_at=moment,
            started_at=moment,
            ended_at=ended,
            **ids,
        )
        row = WorkflowRun(
            id=run_id,
            workflow_id=workflow.id,
            workflow_slug=workflow.slug,
            workflow_name=workflow.name,
            definition=definition,
            created_at=moment,
            ended_at=ended,
            **ids,
            **told,
        )
        await self._add(run)
        await self._add(row)
        await self._add(
            *(
                WorkflowStep(
                    workspace_id=self.workspace_id,
                    run_id=run_id,
                    **{"position": 0 if each["status"] == "started" else place, **each},
                )
                for place, each in enumerate(steps, 1)
            ),
            *[await self._wait(run_id, ids, each) for each in waits],
            *(self._event(run_id, seq, each) for seq, each in enumerate(events, 1)),
        )
        return run_id

    async def _wait(self, run_id: UUID, ids: dict[str, UUID], each: dict[str, Any]) -> WorkflowWait:
        async with self.kernel.database.unit(SYSTEM) as session:
            meant = await meant_by(session, self.workspace_id, each["assignees"])
        return WorkflowWait(run_id=run_id, meant=meant, **ids, **each)

    def _event(self, run_id: UUID, seq: int, event: dict[str, Any]) -> RunEvent:
        body = {"seq": seq, "run_id": str(run_id), **event}
        return RunEvent(
            run_id=run_id,
            seq=seq,
            workspace_id=self.workspace_id,
            type=event["type"],
            body=orjson.dumps(body).decode(),
            kept_at=now(),
        )

    async def _add(self, *rows: Any) -> None:
        async with self.kernel.database.unit(SYSTEM) as session:
            session.add_all(rows)
