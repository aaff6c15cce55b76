"""The work of a generation or a repair: ask, check, tell the mistakes, and keep what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson

from app.agents.runtime.forms import strings_in
from app.agents.runtime.work import access_told
from app.agents.templates.asking import Answered, Asked, ask
from app.automation.generation import telling, wording
from app.automation.generation.describing import told
from app.automation.generation.drafting import Checker, Unwritable, Written, Wrong
from app.automation.generation.errors import WorkflowGenerationFailed, WorkflowModelMissing
from app.automation.generation.guarding import AT, rules_of
from app.automation.generation.schemas import GenerationContext
from app.automation.generation.surroundings import Workbench, surroundings
from app.automation.language.checks.form import read
from app.core.db import AsyncSession, on_commit
from app.core.errors import FieldError
from app.inference.calls.calls import Calls
from app.inference.calls.totals import Total
from app.inference.usage.payer import payer_of
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

KIND: Final = "workflow_generation"
MOST_OUTPUT: Final = 16_000
MOST_TOLD: Final = 20
MOST_KEPT: Final = 50


@dataclass(slots=True)
class _Made:
    """What this process knows of a generation."""

    total: Total = field(default_factory=Total)
    calls: int = 0
    model: str = ""
    result: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Task:
    """What is asked of the model, and how its answer is looked at."""

    checker: Checker
    asked: Asked


class Drafting:
    """Has workflows written and mended; nothing of it is stored as one, or switched on."""

    kind = KIND

    def __init__(self, workbench: Workbench, calls: Calls) -> None:
        self._workbench = workbench
        self._calls = calls
        self._made: dict[UUID, _Made] = {}

    async def run(self, ctx: RunContext) -> None:
        """Raises WorkflowGenerationFailed, WorkflowModelMissing, and what asking raises."""
        made = self._made[ctx.run_id] = _Made()
        if ctx.continued:
            await self._calls.settle_lost(ctx.workspace_id, ctx.run_id, "")
            made.total, made.calls = _spent(ctx)
        task = await self._task(ctx)
        try:
            written = await self._written(ctx, made, task)
        except Unwritable as error:
            problems = tuple(telling.gaps(error.missing))
            said = f"It cannot be written here: {error}"
            raise WorkflowGenerationFailed(said[:500], errors=problems) from error
        wish = ctx.input["wish"]
        if wish["task"] == "generate":
            made.result = telling.generated(written, wish["description"])
        else:
            made.result = telling.repaired(written, wish)

    async def _task(self, ctx: RunContext) -> _Task:
        wish, access = ctx.input["wish"], access_told(ctx)
        said = wish["description"]
        context = GenerationContext.model_validate(wish["context"])
        around = await surroundings(self._workbench, access, context, said)
        limits = wish["limits"]
        rules = rules_of(around, wish["allow"], limits["nodes"], said)
        filled = {
            "allowed": ", ".join(wish["allow"]) or "nothing of the kind",
            "nodes": limits["nodes"],
            "locale": wish["locale"],
            "language": told(around),
        }
        if wish["task"] == "generate":
            system, schema = wording.GENERATE.format(**filled), wording.GENERATED
            user = wording.material(description=said)
        else:
            system, schema = wording.REPAIR.format(**filled), wording.REPAIRED
            user = wording.material(
                definition=_json(wish["definition"]),
                evidence=_json(wish["evidence"]),
                wish=said,
            )
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        asked = Asked(messages, wish["model"], schema, max_output_tokens=MOST_OUTPUT)
        before = wish["definition"]
        base = None if before is None else read(before, AT)[0]
        names = frozenset(strings_in(before))
        return _Task(Checker(self._workbench, access, rules, base, names), asked)

    async def _written(self, ctx: RunContext, made: _Made, task: _Task) -> Written:
        """Raises WorkflowGenerationFailed, Unwritable."""
        asked, most = task.asked, ctx.input["wish"]["limits"]["repairs"]
        for mending in range(most + 1):
            ctx.emit("step.started", step="write")
            answer = (await self._ask(ctx, made, asked)).text
            ctx.emit("step.completed", step="write", counts={"characters": len(answer)})
            ctx.emit("step.started", step="check")
            try:
                written = await task.checker.written(answer)
            except Wrong as error:
                mistakes = [f"{each.pointer}: {each.detail}" for each in error.mistakes[:MOST_TOLD]]
                ctx.emit("log", step="check", mistakes=mistakes)
                if mending == most:
                    said = f"After {mending} corrections it still has: {error}"
                    problems = tuple(error.mistakes[:MOST_KEPT])
                    raise WorkflowGenerationFailed(said[:500], errors=problems) from error
                reason = WorkflowGenerationFailed.code
                ctx.emit("step.retrying", step="check", reason=reason, retry_in=0)
                asked = _mending(task.asked, answer, error.mistakes)
            else:
                ctx.emit("step.completed", step="check", counts={"corrections": mending})
                return written
        raise AssertionError("the loop returns or raises")

    async def _ask(self, ctx: RunContext, made: _Made, asked: Asked) -> Answered:
        cap = ctx.input["wish"]["limits"]["budget_usd"]
        access = access_told(ctx)
        payer = payer_of(access, KIND, ctx.run_id)
        payer = replace(payer, run_cap=None if cap is None else Decimal(cap))
        answered = await ask(self._calls, payer, access, asked)
        made.total += answered.total
        made.calls += 1
        made.model = answered.model
        ctx.emit(
            "usage.updated",
            input_tokens=answered.total.input_tokens,
            output_tokens=answered.total.output_tokens,
            cost_usd=None if answered.cost_usd is None else f"{answered.cost_usd:f}",
        )
        if answered.by_demo:
            raise WorkflowModelMissing(
                "The demo provider repeats what it is asked, and cannot write a workflow. Add a "
                "provider's key, or name a model of one."
            )
        return answered

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """The proposal is the run's result, and stands nowhere else."""
        made = self._made.get(ctx.run_id) or _Made(*_spent(ctx))
        on_commit(session, lambda: self._made.pop(ctx.run_id, None))
        result: dict[str, Any] = {}
        if ending.status == "completed" and made.result is not None:
            spent = telling.usage(made.total, made.model, made.calls)
            result = {**made.result, "usage": spent}
        total = made.total
        return Settlement(result, total.input_tokens, total.output_tokens, total.cost_usd)


def _mending(asked: Asked, answer: str, mistakes: Sequence[FieldError]) -> Asked:
    lines = "\n".join(f"- {each.pointer}: {each.detail}" for each in mistakes[:MOST_TOLD])
    messages: Sequence[Mapping[str, str]] = [
        *asked.messages,
        {"role": "assistant", "content": answer or "{}"},
        {"role": "user", "content": wording.MEND.format(mistakes=lines)},
    ]
    return Asked(messages, asked.model, asked.schema, max_output_tokens=MOST_OUTPUT)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _spent(ctx: RunContext) -> tuple[Total, int]:
    """What calls of earlier processes came to, and how many there were."""
    total, calls = Total(), 0
    for event in ctx.history:
        if event.type == "usage.updated":
            told_of = event.body
            cost = told_of["cost_usd"]
            calls += 1
            total += Total(
                told_of["input_tokens"],
                told_of["output_tokens"],
                None if cost is None else Decimal(cost),
            )
    return total, calls
