"""Starting agents' runs: for routes, for other agents' mail, for evaluations, for other systems."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from app.agents.definitions import service as definitions
from app.agents.definitions.capabilities import fitting_model
from app.agents.definitions.desk import Desk
from app.agents.definitions.rendering import render
from app.agents.definitions.taken import Definitions, Taken
from app.agents.runtime import crud
from app.agents.runtime.copying import again, taken_over
from app.agents.runtime.errors import AgentsTooDeep, RunNotEnded, StepUnknown
from app.agents.runtime.models import Execution, ExecutionStep
from app.agents.runtime.prompt import text_asked
from app.agents.runtime.schemas import AgentRunEstimate
from app.agents.runtime.tree import Role
from app.agents.runtime.work import KIND, Performing, access_kept
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.causes import runs_behind
from app.core.clock import now
from app.core.db import AsyncSession, Database
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.storing import new_row
from app.inference.calls.order import Order
from app.inference.routing.plan import Question
from app.inference.usage.payer import payer_of
from app.inference.usage.service import estimate_text
from app.runs.dialects.dialects import THREAD
from app.runs.runs import service as runs
from app.runs.runs.bundle import Runs
from app.runs.runs.models import Run

PURPOSE: Final = KIND
MOST_BEHIND: Final = 16
OpenUnit = Callable[[], AbstractAsyncContextManager[AsyncSession]]


@dataclass(frozen=True, slots=True)
class RunWanted:
    """What an agent (by slug or id) is to do.

    `input` is a text, or the conversation as `{role, content}` messages. A `run_id` makes a start
    that is repeated the same one.
    """

    agent: str
    input: str | Sequence[dict[str, Any]]
    variables: dict[str, Any] = field(default_factory=dict)
    version: int | None = None
    label: str | None = None
    model: str | None = None
    parent_run_id: UUID | None = None
    conversation_id: UUID | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    budget_usd: Decimal | None = None
    purpose: str = PURPOSE
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A run that may be begun: checked, and not yet stored.

    It is stored only where the agent is still the `presumed` one.
    """

    execution: Execution
    access: Access
    copied: Sequence[ExecutionStep] = ()
    presumed: Taken | None = None


class Launcher:
    """One a process; `runs` is set once runs are carried out here."""

    runs: Runs

    def __init__(self, database: Database, desk: Desk) -> None:
        self._database = database
        self._desk = desk
        self._read = Definitions()
        self.performing: Performing

    async def start(self, access: Access, wanted: RunWanted) -> Run:
        """Begin a run, or find the one that `run_id` has begun already.

        Raises AgentNotFound, what is wrong with its variables, CapabilityMismatch, AgentsTooDeep,
        and what planning raises.
        """
        if wanted.run_id is not None:
            async with self._database.unit(access.scope) as session:
                found = await runs.find(session, access.workspace_id, wanted.run_id)
            if found is not None:
                return found
        ready = await self.prepare(access, wanted)
        async with self._database.unit(access.scope) as session:
            run = await self.store(session, access, ready)
        self.launch(run, ready)
        return run

    def launch(self, run: Run, ready: "Ready") -> None:
        """Have a run that was stored carried out here."""
        if not ready.copied:
            self.performing.expect(ready.execution, ready.access)
        self.runs.executor.launch(run)

    async def prepare(self, access: Access, wanted: RunWanted) -> Ready:
        """Check everything that can be checked before the run is stored."""
        agent = await definitions.take(
            self._database, self._read, access, wanted.agent, wanted.version, wanted.label
        )
        return await self._prepared(access, wanted, agent)

    async def presume(self, access: Access, wanted: RunWanted) -> Ready | None:
        """The same by the agent as it was last, which is asked about where the run is stored.

        There the unit fails by what `definitions.is_another` knows. None where nothing is known of
        the agent, or what is known will not do.
        """
        is_plain = wanted.version is None and wanted.label is None
        agent = self._read.last(access, wanted.agent) if is_plain else None
        if agent is None:
            return None
        try:
            ready = await self._prepared(access, wanted, agent)
        except AppError:
            return None
        return replace(ready, presumed=agent)

    async def _prepared(self, access: Access, wanted: RunWanted, agent: Taken) -> Ready:
        definition = agent.definition
        instructions = render(
            definition, wanted.variables, agent_name=agent.name, today=now().date()
        )
        fitting = await fitting_model(self._desk, access, definition, model=wanted.model)
        override = wanted.model or (fitting.model if fitting.chosen else None)
        asked = wanted.input
        messages = [{"role": "user", "content": asked}] if isinstance(asked, str) else [*asked]
        execution = new_row(
            Execution,
            id=wanted.run_id or new_id(),
            workspace_id=access.workspace_id,
            user_id=access.user_id,
            agent_id=agent.id,
            agent_version=agent.version,
            agent_slug=agent.slug,
            agent_name=agent.name,
            definition=agent.stored,
            messages=messages,
            variables=wanted.variables,
            instructions=instructions,
            model=override,
            purpose=wanted.purpose,
            budget_usd=wanted.budget_usd,
            conversation_id=wanted.conversation_id,
            parent_run_id=wanted.parent_run_id,
            active_seconds=0.0,
            labels=wanted.metadata,
        )
        execution.parsed = definition
        return Ready(execution, access)

    async def estimate(self, access: Access, ready: "Ready") -> AgentRunEstimate:
        """Who would be asked first, and how much it would be shown."""
        execution = ready.execution
        definition = execution.parsed
        tokens = estimate_text(execution.instructions)
        tokens += estimate_text(text_asked(execution.messages))
        question = Question(execution.model, tokens, agent_route=definition.model)
        payer = payer_of(access, execution.purpose, execution.id)
        plan = await self._desk.inference.calls.plan(Order(payer, question, access.rules, access))
        return AgentRunEstimate(
            object="agent_run_estimate",
            model=plan.candidates[0].target.reference,
            route=plan.route,
            input_tokens=tokens,
        )

    async def store(self, session: AsyncSession, access: Access, ready: Ready) -> Run:
        """The run and what it is to do; launch it once the transaction has committed.

        Raises AgentsTooDeep.
        """
        if runs_behind() > MOST_BEHIND:
            raise AgentsTooDeep(f"At most {MOST_BEHIND} runs begin one another in a row.")
        if ready.presumed is not None:
            await definitions.expect_as_taken(session, access, ready.presumed)
        execution = ready.execution
        run = await runs.create(
            session,
            access,
            run_id=execution.id,
            kind=KIND,
            subject_id=execution.agent_id,
            input={**access_kept(access), THREAD: _thread(execution)},
            executor_id=self.runs.executor.id,
        )
        await crud.store_execution(session, execution, ready.copied)
        detail = {"agent": execution.agent_slug, "version": execution.agent_version}
        at = access.workspace_id
        note(session, Note("agent_run.started", "run", run.id, workspace_id=at, detail=detail))
        return run

    async def fork(
        self,
        access: Access,
        run_id: UUID,
        from_step: int,
        *,
        model: str | None = None,
        version: int | None = None,
        budget_usd: Decimal | None = None,
    ) -> Ready:
        """A run that does the same from a step on; what came before is taken over.

        Raises RunNotFound, RunNotEnded, StepUnknown, and what `prepare` raises.
        """
        async with self._database.unit(access.scope) as session:
            run = await runs.get(session, access, run_id)
            before = await crud.get(session, access.workspace_id, run_id)
            steps = await crud.steps(session, access.workspace_id, run_id)
        if before is None or run.ended_at is None:
            raise RunNotEnded("Only a run that has ended can be done again.")
        known = [each.number for each in steps if not each.path and each.kind == "model"]
        if from_step > max(known, default=0) + 1:
            raise StepUnknown(f"The run has {max(known, default=0)} steps.")
        execution = again(before, budget_usd)
        if model is not None:
            execution.model = model
        if version is not None:
            execution.agent_version = version
            wanted = RunWanted(
                str(before.agent_id), before.messages, before.variables, version, model=model
            )
            changed = (await self.prepare(access, wanted)).execution
            execution.definition = changed.definition
            execution.instructions, execution.model = changed.instructions, changed.model
        execution.forked_from_id, execution.forked_at = before.id, from_step
        return Ready(execution, access, taken_over(execution.id, steps, from_step))

    async def finished(self, access: Access, run_id: UUID) -> Run:
        """The run once it has ended, or waits for someone; its row says which."""
        async with self._database.unit(access.scope) as session:
            run = await runs.get(session, access, run_id)
        await self.runs.reader.settled(run)
        async with self._database.unit(access.scope) as session:
            return await runs.get(session, access, run_id)

    async def steps(self, access: Access, run_id: UUID) -> Sequence[ExecutionStep]:
        async with self._database.unit(access.scope) as session:
            await runs.get(session, access, run_id)
            return await crud.steps(session, access.workspace_id, run_id)

    async def cast(self, access: Access, reference: str) -> Role:
        """An agent that another one gives work to; raises AgentNotFound."""
        found = await definitions.take(self._database, self._read, access, reference)
        return Role(
            found.slug, found.name, found.definition, found.id, found.version, found.description
        )


def _thread(execution: Execution) -> str:
    """The conversation that a run belongs to, as front ends call it."""
    named = execution.labels.get(THREAD) or execution.conversation_id or execution.id
    return str(named)
