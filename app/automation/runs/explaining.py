"""Why a run failed: the facts, a diagnosis of them, and a model's words where they are wanted."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from app.automation.engine.errors import failed_path
from app.automation.engine.models import WorkflowStep
from app.automation.language.flow import Node
from app.automation.runs import course_crud, crud, evidence_crud, service
from app.automation.runs.diagnosis import Diagnosis, Facts, diagnose
from app.automation.runs.explain_schemas import Explanation, ModelWords
from app.automation.runs.places import Place, places_of, upstream
from app.automation.runs.service import Shown
from app.core.auth import Access
from app.core.db import AsyncSession

MOST_WAITS: Final = 10
_EVENTS: Final = ("step.failed", "step.retrying")
_REFERENCE: Final = re.compile(r"\bnodes\.([A-Za-z_][A-Za-z0-9_]*)")


async def diagnosed(session: AsyncSession, access: Access, run_id: UUID) -> Diagnosis:
    """Raises WorkflowRunNotFound."""
    return diagnose(await _facts(session, access, await service.show(session, access, run_id)))


def explained(diagnosis: Diagnosis, words: ModelWords | None) -> Explanation:
    run = diagnosis.facts.run
    return Explanation(
        run_id=run.id,
        status=run.status,
        summary=diagnosis.summary,
        findings=diagnosis.findings,
        advice=diagnosis.advice,
        words=words,
    )


async def _facts(session: AsyncSession, access: Access, shown: Shown) -> Facts:
    workspace_id, run, row = access.workspace_id, shown.run, shown.workflow_run
    places = places_of(shown.flow)
    failed = await evidence_crud.failed_steps(session, workspace_id, run.id)
    culprit = _culprit(run.error, failed)
    place = places.get(culprit.node_id) if culprit else None
    facts = Facts(
        run,
        row,
        culprit,
        place.node if place else None,
        waits=await crud.open_waits(session, workspace_id, run.id, MOST_WAITS),
        handled=[step for step in failed if not _leads_to(step, culprit)],
        seqs=_seqs(await course_crud.told(session, workspace_id, run.id, _EVENTS)),
    )
    if culprit is None or place is None:
        return await _with_success(session, access, facts)
    read = _read_by(place, places)
    attempts = await evidence_crud.attempts_at(session, workspace_id, run.id, culprit.path)
    empty = await evidence_crud.empty_ends(session, workspace_id, run.id, read) if read else ()
    facts = replace(facts, attempts=attempts, empty=empty)
    if row.workflow_id is not None:
        before = await evidence_crud.ends_before(
            session, workspace_id, access, row.workflow_id, culprit.node_id, row.created_at
        )
        facts = replace(facts, before=before)
    return await _with_success(session, access, facts)


async def _with_success(session: AsyncSession, access: Access, facts: Facts) -> Facts:
    row = facts.workflow_run
    if row.workflow_id is None or facts.run.error is None:
        return facts
    success = await evidence_crud.last_success(
        session, access.workspace_id, access, row.workflow_id, row.created_at
    )
    return replace(facts, success=success)


def _culprit(
    error: Mapping[str, Any] | None, failed: Sequence[WorkflowStep]
) -> WorkflowStep | None:
    """The step that the run's own error names; none where the run did not fail by a step."""
    path = failed_path(error)
    return next((step for step in failed if step.path == path), None)


def _leads_to(step: WorkflowStep, culprit: WorkflowStep | None) -> bool:
    """Whether a step failed because of the culprit: it is that, or holds it."""
    if culprit is None:
        return False
    return step.path == culprit.path or any(
        culprit.path.startswith(step.path + mark) for mark in "/[#"
    )


def _seqs(events: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for event in events:
        found.setdefault(event["path"], []).append(event["seq"])
    return found


def _read_by(place: Place, places: Mapping[str, Place]) -> list[str]:
    """The nodes that a node's settings refer to; those before it where they refer to none."""
    known = _referred(place.node) & places.keys()
    return sorted(known or upstream(place.scope, place.node.id))


def _referred(node: Node) -> set[str]:
    found: set[str] = set()
    left: list[Any] = [node.with_]
    while left:
        value = left.pop()
        if isinstance(value, str):
            found.update(_REFERENCE.findall(value))
        elif isinstance(value, Mapping):
            left += value.values()
        elif isinstance(value, list):
            left += value
    return found
