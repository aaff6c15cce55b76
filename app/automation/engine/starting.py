"""Starting runs of workflows: for routes, triggers, other workflows, and doing runs again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from app.agents.definitions.json_schemas import mistakes
from app.agents.runtime.work import access_kept
from app.automation.engine import admission, crud, turns_crud
from app.automation.engine.driving import Driver
from app.automation.engine.errors import (
    InputsInvalid,
    WorkflowDisabled,
    WorkflowRunNotEnded,
    WorkflowRunNotFound,
    WorkflowsTooDeep,
)
from app.automation.engine.known import INTERPRETER
from app.automation.engine.models import WorkflowRun
from app.automation.engine.plans import Plan, Plans
from app.automation.engine.rerunning import taken_over
from app.automation.engine.steps import Step
from app.automation.engine.work import KIND, Working
from app.automation.language.faults import StepFault
from app.automation.language.flow import Flow, seconds_of
from app.automation.language.inputs import with_defaults
from app.automation.nodes.starting import RunWanted
from app.automation.workflows import service as workflows
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.causes import runs_behind
from app.core.clock import now
from app.core.db import AsyncSession, Database, on_commit
from app.core.errors import FieldError
from app.core.ids import new_id
from app.runs.runs import service as runs
from app.runs.runs.models import Run

MOST_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class Ready:
    """A run that may be begun: checked, not yet stored. `taken_over` are another run's steps."""

    row: WorkflowRun
    plan: Plan
    taken_over: Sequence[Step] = ()

    @property
    def flow(self) -> Flow:
        return self.plan.flow


@dataclass(frozen=True, slots=True)
class Again:
    """Which run is to be done again, from which nodes on (by default those that failed), and how.

    `flow` is an edited definition; else it is that of `version` or `label`, or the same.
    """

    run_id: UUID
    from_nodes: Sequence[str] | None = None
    flow: Flow | None = None
    version: int | None = None
    label: str | None = None
    inputs: Mapping[str, Any] | None = None


class Starter:
    """One a process; `working` is set once runs are carried out here."""

    working: Working

    def __init__(self, database: Database, driver: Driver, plans: Plans) -> None:
        self._database = database
        self._driver = driver
        self._plans = plans

    async def start(self, access: Access, wanted: RunWanted) -> Run:
        """Begin a run, or find the one that `key` has begun already.

        Raises WorkflowNotFound, WorkflowDisabled, InputsInvalid, WorkflowBusy, WorkflowsTooDeep.
        """
        async with self._database.unit(access.scope) as session:
            if wanted.key is not None:
                found = await _begun(session, access, wanted.workflow, wanted.key)
                if found is not None:
                    return found
            ready = await self.prepare(session, access, wanted)
            run = await self.store(session, access, ready)
        self.launch(run)
        return run

    async def prepare(self, session: AsyncSession, access: Access, wanted: RunWanted) -> Ready:
        """Check everything that can be checked before the run is stored."""
        depth = expect_depth(wanted.depth)
        workflow, version = await workflows.resolve(
            session, access, wanted.workflow, wanted.version, wanted.label
        )
        if not workflow.enabled:
            raise WorkflowDisabled(f"`{workflow.slug}` is switched off.")
        plan = self._plans.of(version.definition)
        flow = plan.flow
        inputs = checked_inputs(flow, wanted.inputs)
        run_id = uuid5(workflow.id, wanted.key) if wanted.key is not None else new_id()
        priority = flow.settings.priority if wanted.priority is None else wanted.priority
        row = WorkflowRun(
            id=run_id,
            workspace_id=access.workspace_id,
            user_id=access.user_id,
            workflow_id=workflow.id,
            workflow_version=version.number,
            workflow_slug=workflow.slug,
            workflow_name=workflow.name,
            definition=version.definition,
            inputs=inputs,
            trigger=wanted.trigger,
            trigger_id=wanted.trigger_id,
            parent_run_id=wanted.parent_run_id,
            parent_path=wanted.parent_path,
            depth=depth,
            priority=priority,
            labels=dict(wanted.metadata),
        )
        return Ready(row, plan)

    async def store(self, session: AsyncSession, access: Access, ready: Ready) -> Run:
        """The run and what it is to do; launch it once the transaction has committed."""
        row, flow = ready.row, ready.flow
        row.interpreter = INTERPRETER
        if flow.settings.timeout is not None:
            row.deadline_at = now() + timedelta(seconds=seconds_of(flow.settings.timeout))
        if row.workflow_id is not None:
            try:
                keys = admission.keys_of(flow, row.workflow_id, row.inputs)
            except StepFault as fault:
                at = "/body/inputs"
                mistake = FieldError(at, fault.code, f"no key of its settings: {fault.message}")
                raise InputsInvalid([mistake]) from None
            row.concurrency_key, row.rate_key = keys["concurrency_key"], keys["rate_key"]
        if row.concurrency_key is None and row.rate_key is None:
            row.admitted_at = now()
        await admission.expect_room(session, flow, row)
        run = await runs.create(
            session,
            access,
            run_id=row.id,
            kind=KIND,
            subject_id=row.workflow_id,
            input={**access_kept(access), runs.BEHIND: row.depth + 1},
            executor_id=self._driver.owner,
            beside=[row],
        )
        if ready.taken_over:
            await crud.take_over(session, row, ready.taken_over)
        elif row.admitted_at is not None and self._driver.owner is not None:
            on_commit(session, lambda: self.working.expect(row, ready.plan))
        detail = {"workflow": row.workflow_slug, "version": row.workflow_version}
        note(session, Note("workflow_run.started", "run", run.id, detail=detail))
        return run

    def launch(self, run: Run) -> None:
        """Have a run that was stored carried out."""
        self._driver.launch(run)

    async def again(self, access: Access, wanted: Again) -> Run:
        """Begin a run that does another one again from some nodes on.

        What the others gave is taken over, where neither they nor what leads to them has changed.
        Raises WorkflowRunNotFound, WorkflowRunNotEnded, NodeUnknown, and what `start` raises.
        """
        async with self._database.unit(access.scope) as session:
            ready = await self.prepare_again(session, access, wanted)
            run = await self.store(session, access, ready)
        self.launch(run)
        return run

    async def prepare_again(self, session: AsyncSession, access: Access, wanted: Again) -> Ready:
        """The same, not stored yet."""
        before = await crud.get(session, access.workspace_id, wanted.run_id)
        if before is None:
            raise WorkflowRunNotFound("You see no such run.")
        if before.ended_at is None:
            raise WorkflowRunNotEnded("Only a run that has ended can be done again.")
        plan = old = self._plans.of(before.definition)
        number = before.workflow_version
        if wanted.flow is not None:
            plan, number = Plan(wanted.flow), None
        elif wanted.version is not None or wanted.label is not None:
            _, version = await workflows.resolve(
                session, access, str(before.workflow_id), wanted.version, wanted.label
            )
            plan, number = self._plans.of(version.definition), version.number
        inputs = before.inputs if wanted.inputs is None else wanted.inputs
        steps = await crud.steps(session, access.workspace_id, before.id)
        flow = plan.flow
        taken = taken_over(old.flow, flow, steps, wanted.from_nodes)
        if inputs != before.inputs:
            taken = []
        row = WorkflowRun(
            id=new_id(),
            workspace_id=access.workspace_id,
            user_id=access.user_id,
            workflow_id=before.workflow_id,
            workflow_version=number,
            workflow_slug=before.workflow_slug,
            workflow_name=before.workflow_name,
            definition=flow.model_dump(mode="json", by_alias=True),
            inputs=checked_inputs(flow, inputs),
            trigger="rerun",
            depth=expect_depth(before.depth),
            priority=before.priority,
            reused_from_id=before.id,
            labels=before.labels,
        )
        return Ready(row, plan, taken)


async def _begun(
    session: AsyncSession, access: Access, workflow: str | UUID, key: str
) -> Run | None:
    """The run that a key has begun, whatever has become of its workflow; nobody else begins it now.

    Who died as soon as it was begun asks once more, and is to wait for it or to say so.
    """
    if isinstance(workflow, str):
        workflow = (await workflows.find(session, access, workflow)).id
    run_id = uuid5(workflow, key)
    await turns_crud.lock(session, f"workflow_run:{run_id}")
    return await runs.find(session, access.workspace_id, run_id)


def expect_depth(depth: int) -> int:
    """How many runs led to one that is begun here; raises WorkflowsTooDeep."""
    depth = max(depth, runs_behind())
    if depth > MOST_DEPTH:
        raise WorkflowsTooDeep(f"At most {MOST_DEPTH} start one another in a row.")
    return depth


def checked_inputs(flow: Flow, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What a run begins with, the schema's defaults filled in; raises InputsInvalid."""
    given = with_defaults(flow.inputs, inputs)
    wrong = mistakes(flow.inputs, given, "/body/inputs") if flow.inputs is not None else []
    if wrong:
        raise InputsInvalid(wrong)
    return given
