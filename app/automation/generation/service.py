"""Beginning to have a workflow written or mended, with the evidence that there is by then."""

from collections.abc import Sequence
from typing import Any, Final

from app.agents.runtime.work import access_kept
from app.automation.engine.errors import failed_path
from app.automation.generation.errors import NothingToRepair
from app.automation.generation.guarding import AT
from app.automation.generation.schemas import WorkflowGenerate, WorkflowRepair
from app.automation.generation.work import KIND
from app.automation.runs import explaining
from app.automation.runs.diagnosis import Diagnosis
from app.automation.runs.places import node_id_at
from app.automation.workflows.checking import Bench, look_over
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.core.ids import new_id
from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.routing.plan import Question
from app.inference.usage.payer import payer_of
from app.runs.runs import service as runs
from app.runs.runs.models import Run

MOST_EVIDENCE: Final = 40


async def expect_model(calls: Calls, access: Access, model: str | None) -> None:
    """Raises ModelUnknown, NoModel, ModelNotAllowed and NoCandidate."""
    payer = payer_of(access, KIND, new_id())
    await calls.plan(Order(payer, Question(model), access.rules, access))


def generation_of(wish: WorkflowGenerate) -> dict[str, Any]:
    """What the run of a generation is given."""
    told: dict[str, Any] = {"definition": None, "evidence": [], "run_id": None, "failed_nodes": []}
    return {"task": "generate", **wish.model_dump(mode="json"), **told}


async def repair_of(bench: Bench, access: Access, wish: WorkflowRepair) -> dict[str, Any]:
    """What the run of a repair is given: the definition, and what is wrong with it.

    Raises NothingToRepair and WorkflowRunNotFound.
    """
    told = wish.model_dump(mode="json", exclude={"wish"})
    base = {"task": "repair", **told, "description": wish.wish, "failed_nodes": []}
    if wish.definition is not None:
        found = await look_over(bench, access, wish.definition, at=AT)
        evidence = [
            *_mistakes(found.errors, "M", is_error=True),
            *_mistakes(found.warnings, "W", is_error=False),
        ]
        if not found.errors:
            raise NothingToRepair("The definition validates.")
        return {**base, "evidence": evidence[:MOST_EVIDENCE]}
    return await _of_run(bench, access, wish, base)


async def _of_run(
    bench: Bench, access: Access, wish: WorkflowRepair, base: dict[str, Any]
) -> dict[str, Any]:
    assert wish.run_id is not None  # noqa: S101 - one of both is given
    async with bench.database.unit(access.scope) as session:
        diagnosis = await explaining.diagnosed(session, access, wish.run_id)
        definition = diagnosis.facts.workflow_run.definition
    error = diagnosis.facts.run.error
    if error is None:
        raise NothingToRepair("The run has not failed.")
    path = failed_path(error)
    failed = [node_id_at(step) for step in reversed(path.split("/"))] if path else []
    evidence = [*_findings(diagnosis), *_advice(diagnosis)]
    return {
        **base,
        "definition": definition,
        "evidence": evidence[:MOST_EVIDENCE],
        "failed_nodes": failed[:1],
    }


def _mistakes(found: Sequence[FieldError], mark: str, *, is_error: bool) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{mark}{place}",
            "kind": "mistake" if is_error else "warning",
            "code": each.code,
            "pointer": each.pointer,
            "detail": each.detail,
        }
        for place, each in enumerate(found, 1)
    ]


def _findings(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    return [{"kind": "finding", **each.model_dump(mode="json")} for each in diagnosis.findings]


def _advice(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    return [
        {
            "id": f"A{place}",
            "kind": "advice",
            "code": each.code,
            "detail": each.detail,
            "because": each.because,
        }
        for place, each in enumerate(diagnosis.advice, 1)
    ]


async def begin(
    session: AsyncSession, access: Access, executor_id: str, given: dict[str, Any]
) -> Run:
    """The run that writes it; it is to be launched once this has committed."""
    return await runs.create(
        session,
        access,
        executor_id=executor_id,
        kind=KIND,
        input={"wish": given, **access_kept(access)},
    )
