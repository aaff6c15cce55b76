"""OpenAI's fine-tuning jobs, for those of this workspace alone."""

from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import ValidationError

from app.core.auth import Permission
from app.core.db import on_commit
from app.inference.dialects.ask import read_document, required
from app.inference.dialects.errors import RequestInvalid
from app.inference.fine_tuning import service
from app.inference.fine_tuning.models import FineTuningJob
from app.inference.fine_tuning.schemas import FineTuningJobCreate
from app.inference.fine_tuning.training import Training
from app.inference.relay.batches import seconds
from app.inference.relay.files import limit_of, list_of, query_of
from app.inference.relay.visit import Visit
from app.runs.runs.bundle import Runs

FEATURE: Final = "fine_tuning"
MOST_LISTED: Final = 100


class CreateJob:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.FINE_TUNING_WRITE, FEATURE)
        new = read_job(read_document(await visit.body()))
        running: Runs = visit.scope["app"].state.runs
        desk = service.Desk(visit.inference.calls, visit.inference.prices)
        async with visit.writing(access, "fine_tuning_jobs_create") as session:
            job, run = await service.create(session, desk, access, running.executor.id, new)
            on_commit(session, lambda: running.executor.launch(run))
            shown = job_object(job)
        await visit.reply.json(orjson.dumps(shown))


class ListJobs:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.FINE_TUNING_READ, FEATURE)
        query = query_of(visit)
        after = service.id_of(query["after"]) if query.get("after") else None
        limit = limit_of(query, MOST_LISTED)
        async with visit.kernel.database.unit(access.scope) as session:
            found = await service.newest(session, access, after, limit + 1)
            shown = [job_object(job) for job in found]
        await visit.reply.json(list_of(shown, limit))


class ShowJob:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.FINE_TUNING_READ, FEATURE)
        async with visit.kernel.database.unit(access.scope) as session:
            shown = job_object(await service.get(session, access, named(visit)))
        await visit.reply.json(orjson.dumps(shown))


class CancelJob:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.FINE_TUNING_WRITE, FEATURE)
        running: Runs = visit.scope["app"].state.runs
        async with visit.writing(access, "fine_tuning_jobs_cancel") as session:
            job = await service.cancel(session, access, named(visit))
            run_id = job.run_id
            on_commit(session, lambda: running.recovery.announce_cancel(run_id))
            shown = job_object(job)
        await visit.reply.json(orjson.dumps(shown))


class TellOfJob:
    """`what` is `events` or `checkpoints`, passed on from the provider."""

    def __init__(self, what: str) -> None:
        self._what = what

    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.FINE_TUNING_READ, FEATURE)
        query = query_of(visit)
        limit = limit_of(query, MOST_LISTED)
        async with visit.kernel.database.unit(access.scope) as session:
            job = await service.get(session, access, named(visit))
        if job.upstream_id is None:
            await visit.reply.json(list_of([], limit))
            return
        training: Training = visit.scope["app"].state.training
        upstream = await training.upstream_of(job)
        found = await upstream.told(job.upstream_id, self._what, limit, query.get("after"))
        await visit.reply.json(orjson.dumps(found))


def named(visit: Visit) -> UUID:
    return service.id_of(visit.parameters["job"])


def read_job(document: dict[str, Any]) -> FineTuningJobCreate:
    """A job in OpenAI's words; raises RequestInvalid."""
    method = document.get("method") or {"type": "supervised"}
    kind = method.get("type") if isinstance(method, dict) else None
    if kind not in ("supervised", "dpo"):
        said = "Invalid 'method.type': expected 'supervised' or 'dpo'."
        raise RequestInvalid(said, param="method", label="invalid_value")
    inner = method.get(kind) or {}
    tuned = inner.get("hyperparameters") or document.get("hyperparameters") or {}
    try:
        return FineTuningJobCreate.model_validate(
            {
                "model": required(document, "model", str, "a string"),
                "file_id": required(document, "training_file", str, "a string"),
                "validation_file_id": document.get("validation_file"),
                "method": kind,
                "hyperparameters": {k: v for k, v in tuned.items() if v != "auto"},
                "suffix": document.get("suffix"),
                "seed": document.get("seed"),
                "metadata": document.get("metadata") or {},
            }
        )
    except (ValidationError, AttributeError) as error:
        said = "The job is not valid."
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            said = f"Invalid '{'.'.join(map(str, first['loc']))}': {first['msg']}."
        raise RequestInvalid(said, label="invalid_value") from None


def job_object(job: FineTuningJob) -> dict[str, Any]:
    hyperparameters = job.given["hyperparameters"]
    return {
        "id": f"ftjob-{job.id.hex}",
        "object": "fine_tuning.job",
        "created_at": seconds(job.created_at),
        "error": job.error and {"param": None, "code": "", **job.error},
        "fine_tuned_model": job.fine_tuned_reference,
        "finished_at": seconds(job.ended_at),
        "hyperparameters": {"n_epochs": "auto", **hyperparameters},
        "model": job.reference,
        "organization_id": job.workspace_id.hex,
        "result_files": [],
        "status": job.status,
        "trained_tokens": job.trained_tokens,
        "training_file": f"file-{job.file_id.hex}",
        "validation_file": f"file-{job.validation_file_id.hex}" if job.validation_file_id else None,
        "seed": job.given.get("seed") or 0,
        "estimated_finish": None,
        "integrations": [],
        "metadata": job.given.get("metadata") or None,
        "method": {"type": job.method, job.method: {"hyperparameters": hyperparameters}},
    }
