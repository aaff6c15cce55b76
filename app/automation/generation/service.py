"""What a request for help comes to, with the evidence that there is by then."""

from collections.abc import Sequence
from typing import Any, Final

from app.agents.templates.asking import Asked
from app.automation.engine.errors import failed_path
from app.automation.generation import behaviour, questions
from app.automation.generation.errors import NothingToRepair
from app.automation.generation.guarding import AT
from app.automation.generation.helping import GENERATION, REPAIR, SUGGESTION, Helping, Wanted
from app.automation.generation.schemas import WorkflowGenerate, WorkflowRepair
from app.automation.generation.suggest_schemas import NextNodesWanted, WorkflowSuggest
from app.automation.generation.suggesting import place_of
from app.automation.runs import explaining
from app.automation.runs.diagnosis import Diagnosis
from app.automation.runs.places import node_id_at
from app.automation.workflows.checking import Bench, look_over
from app.core.auth import Access
from app.core.errors import FieldError
from app.core.schema import Input

MOST_EVIDENCE: Final = 40


def generation(helping: Helping, access: Access, wish: WorkflowGenerate) -> Wanted:
    """A run that writes a workflow."""
    told: dict[str, Any] = {"definition": None, "evidence": [], "run_id": None, "failed_nodes": []}
    given = {"task": "generate", **_told(wish), **told}
    return _drafting(helping, access, GENERATION, given)


async def repair(helping: Helping, access: Access, wish: WorkflowRepair) -> Wanted:
    """A run that mends one: its definition, and what is wrong with it.

    Raises NothingToRepair and WorkflowRunNotFound.
    """
    given = {"task": "repair", **_told(wish), "description": wish.wish, "failed_nodes": []}
    del given["wish"]
    if wish.definition is None:
        given |= await _of_run(helping.workbench.bench, access, wish)
    else:
        found = await look_over(helping.workbench.bench, access, wish.definition, at=AT)
        if not found.errors:
            raise NothingToRepair("The definition validates.")
        evidence = [
            *_mistakes(found.errors, "M", is_error=True),
            *_mistakes(found.warnings, "W", is_error=False),
        ]
        given["evidence"] = evidence[:MOST_EVIDENCE]
    return _drafting(helping, access, REPAIR, given)


async def suggestion(helping: Helping, access: Access, wish: WorkflowSuggest) -> Wanted:
    """A run that makes suggestions.

    Raises DefinitionUnreadable, SuggestedAfterUnknown and TimeZoneUnknown.
    """
    workbench, wanted = helping.workbench, wish.from_
    if isinstance(wanted, NextNodesWanted):
        place = await place_of(workbench, access, wanted)

        async def asked() -> Asked | None:
            return (await questions.next_nodes(workbench, access, wanted, place.spot.after))[0]
    else:
        behaviour.expect_zone(wanted.time_zone)

        async def asked() -> Asked | None:
            seen = await behaviour.seen(workbench, access, wanted) if wanted.words else None
            return questions.words(wanted, seen.automations) if seen and seen.automations else None

    return Wanted(SUGGESTION, _told(wish), asked, wanted.model, asks=wish.asks_model)


def _told(wish: Input) -> dict[str, Any]:
    return wish.model_dump(mode="json", by_alias=True, exclude={"stream", "wait"})


def _drafting(helping: Helping, access: Access, kind: str, given: dict[str, Any]) -> Wanted:
    async def asked() -> Asked | None:
        return (await questions.draft(helping.workbench, access, given))[0]

    return Wanted(kind, given, asked, given["model"])


async def _of_run(bench: Bench, access: Access, wish: WorkflowRepair) -> dict[str, Any]:
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
