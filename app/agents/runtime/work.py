"""The work of an agent's run: set the tree up, have it perform, and leave its result."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from app.agents.runtime import crud
from app.agents.runtime.answer import partials_of
from app.agents.runtime.company import Company
from app.agents.runtime.context import ContextBuilder
from app.agents.runtime.errors import LimitReached
from app.agents.runtime.journal import Cost, Journal
from app.agents.runtime.models import Execution
from app.agents.runtime.reading import open_requests, said_in
from app.agents.runtime.remembering import remember
from app.agents.runtime.rights import still_held
from app.agents.runtime.telling import tell_missing
from app.agents.runtime.tree import Casting, Role, Tree, Waits
from app.agents.tools.registry import ToolRegistry
from app.core.auth import Access, Permission
from app.core.causes import count_behind, runs_behind
from app.core.db import AsyncSession, Database, on_commit
from app.core.errors import AppError
from app.core.outbox import emit
from app.core.waiting import deadline
from app.inference.calls.calls import Calls
from app.inference.calls.remembering import access_of, remembered
from app.inference.calls.totals import Total
from app.inference.usage import service as ledger
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Paused, Settlement

KIND: Final = "agent_run"


@dataclass(frozen=True, slots=True)
class Known:
    """A run under way: what it was begun with, its tree, and what dead processes have used."""

    execution: Execution
    tree: Tree
    lost: Total


class Performing:
    """Carries agents' runs out; what has ended in one process is not done again in the next."""

    kind = KIND

    def __init__(
        self,
        database: Database,
        calls: Calls,
        tools: ToolRegistry,
        context: ContextBuilder,
        cast: Casting,
    ) -> None:
        self._database = database
        self._calls = calls
        self._tools = tools
        self._context = context
        self._cast = cast
        self._trees: dict[UUID, Known] = {}
        self._results: dict[UUID, dict[str, Any]] = {}
        self._expected: dict[UUID, tuple[Execution, Access]] = {}

    def expect(self, execution: Execution, access: Access) -> None:
        """Hand over what the request already knows of a run that this process will launch."""
        self._expected[execution.id] = execution, access

    async def run(self, ctx: RunContext) -> None:
        """Raises Paused where people or budgets are waited for, LimitReached at a cap."""
        expected = self._expected.pop(ctx.run_id, None)
        execution, access = expected or (await self._execution(ctx), None)
        tree, lost = await self._tree(ctx, execution, access)
        self._trees[ctx.run_id] = Known(execution, tree, lost)
        count_behind(runs_behind() + 1)
        partials = partials_of(ctx.history)
        if ctx.continued:
            tell_missing(tree, partials, execution.parsed.output)
        company = Company(tree, self._context, partials)
        left = tree.limits.seconds - tree.journal.active
        try:
            with deadline(max(left, 0.001)):
                result = await company.perform(
                    role_of(execution), execution.messages, fixed_model=execution.model
                )
        except TimeoutError:
            raise LimitReached(f"It may work for {tree.limits.seconds} s.") from None
        except Waits as waits:
            raise await self._paused(ctx, tree, lost, waits) from waits
        finally:
            tree.journal.rest()
        self._results[ctx.run_id] = {"output": result.output, "text": result.text}

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """The result, or of a run that failed what its agent had said by then."""
        on_commit(session, lambda: self._forget(ctx.run_id))
        known = self._trees.get(ctx.run_id)
        execution = known.execution if known else await self._stored(ctx, session)
        if execution is None:
            return Settlement()
        if known:
            journal, lost = known.tree.journal, known.lost
            await journal.settle(session)
        else:
            journal = Journal(self._database, ctx)
            await journal.load()
            lost = await self._lost(ctx, session, journal)
        if journal.approvals:
            await crud.close_approvals(session, ctx.run_id)
        result = self._results.get(ctx.run_id) if ending.status == "completed" else None
        result = result or {"output": None, "text": said_in(journal)}
        total = _total(journal.cost) + lost
        told = {
            **result,
            "agent_id": str(execution.agent_id) if execution.agent_id else None,
            "agent": execution.agent_slug,
            "agent_version": execution.agent_version,
            "steps": journal.count("model"),
            "tool_calls": journal.count("tool"),
        }
        if ending.status == "completed":
            access = known.tree.access if known else access_told(ctx)
            await remember(session, ctx, access, execution)
        await _tell(session, execution, ending)
        return Settlement(told, total.input_tokens, total.output_tokens, total.cost_usd)

    def _forget(self, run_id: UUID) -> None:
        self._expected.pop(run_id, None)
        self._trees.pop(run_id, None)
        self._results.pop(run_id, None)

    async def _execution(self, ctx: RunContext) -> Execution:
        async with self._database.unit(ctx.scope) as session:
            found = await self._stored(ctx, session)
        if found is None:
            raise AppError("What this run was to do is gone.")
        return found

    async def _stored(self, ctx: RunContext, session: AsyncSession) -> Execution | None:
        return await crud.get(session, ctx.workspace_id, ctx.run_id)

    async def _tree(
        self, ctx: RunContext, execution: Execution, expected: Access | None
    ) -> tuple[Tree, Total]:
        journal, lost = Journal(self._database, ctx), Total()
        access = expected or access_told(ctx)
        if ctx.continued:
            await self._calls.settle_lost(ctx.workspace_id, ctx.run_id, open_requests(ctx.history))
        if expected is None:
            await journal.load()
        if ctx.continued:
            async with self._database.unit(ctx.scope) as session:
                lost = await self._lost(ctx, session, journal)
                access = await still_held(session, access)
        limits = execution.parsed.limits
        return Tree(
            ctx,
            access,
            journal,
            self._calls,
            self._tools,
            self._cast,
            limits,
            execution.budget_usd if execution.budget_usd is not None else limits.budget_usd,
            execution.purpose,
            execution.model,
            execution.conversation_id,
            execution.instructions,
        ), lost

    async def _lost(self, ctx: RunContext, session: AsyncSession, journal: Journal) -> Total:
        """What the processes before this one used for answers that they never finished."""
        whole = await ledger.total_of_run(session, ctx.workspace_id, ctx.run_id)
        kept, cost = journal.cost, None
        if whole.cost_usd is not None and kept.usd is not None:
            cost = max(whole.cost_usd - kept.usd, Decimal(0))
        return Total(
            max(whole.input_tokens - kept.input_tokens, 0),
            max(whole.output_tokens - kept.output_tokens, 0),
            cost,
        )

    async def _paused(self, ctx: RunContext, tree: Tree, lost: Total, waits: Waits) -> Paused:
        total = _total(tree.journal.cost) + lost
        usage = Settlement({}, total.input_tokens, total.output_tokens, total.cost_usd)
        if waits.reason == "budget":
            error = waits.error.problem() if waits.error is not None else None
            return Paused("budget", _always, usage, error=error)
        pending = [each for each in tree.journal.approvals.values() if each.status == "pending"]
        run_id = ctx.run_id

        async def waiting(session: AsyncSession) -> bool:
            return await crud.all_waiting(session, run_id, [each.id for each in pending])

        return Paused("approval", waiting, usage, approvals=[str(each.id) for each in pending])


async def _always(_: AsyncSession) -> bool:
    return True


def _total(cost: Cost) -> Total:
    return Total(cost.input_tokens, cost.output_tokens, cost.usd)


def role_of(execution: Execution) -> Role:
    slug, name = execution.agent_slug, execution.agent_name
    return Role(slug, name, execution.parsed, execution.agent_id, execution.agent_version)


async def _tell(session: AsyncSession, execution: Execution, ending: Ending) -> None:
    """Have the rooms above hear of it; a run that was cancelled is no news to anyone."""
    if ending.status == "cancelled":
        return
    named = {
        "run_id": execution.id,
        "agent_id": execution.agent_id,
        "agent": execution.agent_slug,
        "agent_version": execution.agent_version,
        "purpose": execution.purpose,
        "conversation_id": execution.conversation_id,
        "parent_run_id": execution.parent_run_id,
        "error": ending.error.code if ending.error else None,
    }
    await emit(
        session,
        execution.workspace_id,
        f"agent_run.{ending.status}",
        named,
        subject_id=execution.id,
        user_id=execution.user_id,
    )


def access_kept(access: Access) -> dict[str, Any]:
    """What a run keeps of who asked, and of what they were allowed then."""
    kept: dict[str, Any] | None = access.memo.get(KIND)
    if kept is None:
        kept = access.memo[KIND] = {
            **remembered(access),
            "permissions": sorted(str(each) for each in access.permissions),
            "role": access.role,
        }
    return kept


def access_told(ctx: RunContext) -> Access:
    """Who asked, with what they were allowed then."""
    permissions = frozenset(Permission(each) for each in ctx.input["permissions"])
    return replace(access_of(ctx), permissions=permissions, role=ctx.input["role"])
