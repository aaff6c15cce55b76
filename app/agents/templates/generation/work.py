"""The work of a generation: describe, generate, validate, evaluate, and keep what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from app.agents.templates import keeping
from app.agents.templates.asking import Answered, Asked, ask, tell_usage, usage_told
from app.agents.templates.content import Content, read
from app.agents.templates.errors import TemplateGenerationFailed, TemplateModelMissing
from app.agents.templates.generation import wording
from app.agents.templates.generation.drafting import (
    Brief,
    Draft,
    DraftInvalid,
    read_brief,
    read_draft,
)
from app.agents.templates.generation.evaluating import MOST_CASES, Evaluator, evidence_of
from app.agents.templates.keeping import Author, Sheet
from app.core.db import AsyncSession, Database, on_commit
from app.core.errors import AppError
from app.inference.calls.calls import Calls
from app.inference.calls.remembering import access_of
from app.inference.calls.totals import Total
from app.inference.usage.payer import payer_of
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

KIND: Final = "template_generation"
MOST_MENDINGS: Final = 3
MOST_OUTPUT: Final = 8000
LANGUAGES: Final[Mapping[str, str]] = {
    "de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian",
}  # fmt: skip


@dataclass(slots=True)
class _Made:
    """What this process knows of a generation."""

    total: Total = field(default_factory=Total)
    name: str = ""
    brief: Brief | None = None
    draft: Draft | None = None
    content: Content | None = None
    evidence: dict[str, Any] | None = None


class Generating:
    """Has templates written; a process that goes on takes up what the log has."""

    kind = KIND

    def __init__(self, database: Database, calls: Calls) -> None:
        self._database = database
        self._calls = calls
        self._made: dict[UUID, _Made] = {}

    async def run(self, ctx: RunContext) -> None:
        """Raises TemplateModelMissing, TemplateGenerationFailed, and what asking a model raises."""
        made = self._made[ctx.run_id] = _Made()
        if ctx.continued:
            await self._calls.settle_lost(ctx.workspace_id, ctx.run_id, "")
            made.total = _spent(ctx)
        async with self._database.unit(ctx.scope) as session:
            await keeping.expect_room(session, ctx.workspace_id)
        kept = _kept(ctx)
        if "describe" in kept:
            made.brief = Brief.model_validate(kept["describe"])
        else:
            made.brief = await self._describe(ctx, made)
        if "validate" in kept:
            made.draft = Draft.model_validate(kept["validate"]["draft"])
            made.content = read(kept["validate"]["content"])
        else:
            made.draft, made.content = await self._generate(ctx, made, made.brief)
        made.evidence = await self._evaluate(ctx, made, made.brief, made.content)

    async def _describe(self, ctx: RunContext, made: _Made) -> Brief:
        ctx.emit("step.started", step="describe")
        told = wording.DESCRIBE.format(kind=ctx.input["kind"], language=_language(ctx))
        asked = self._asked(ctx, told, _wish(ctx), wording.BRIEF)
        try:
            brief = read_brief((await self._ask(ctx, made, asked)).text)
        except DraftInvalid as error:
            raise TemplateGenerationFailed(f"The brief: {error}"[:500]) from error
        ctx.emit("log", step="describe", kept=brief.model_dump())
        ctx.emit("step.completed", step="describe", counts={"criteria": len(brief.criteria)})
        return brief

    async def _generate(self, ctx: RunContext, made: _Made, brief: Brief) -> tuple[Draft, Content]:
        """A draft that is valid; its mistakes are told to the model, three times at most."""
        ctx.emit("step.started", step="generate")
        kind = ctx.input["kind"]
        shape = wording.AGENT_SHAPE if kind == "agent" else wording.PROMPT_SHAPE
        told = wording.GENERATE.format(language=_language(ctx), shape=shape)
        said = f"{_wish(ctx)}\n\nThe brief:\n{brief.model_dump_json(indent=1)}"
        asked = self._asked(ctx, told, said, wording.DRAFT)
        answer = (await self._ask(ctx, made, asked)).text
        ctx.emit("step.completed", step="generate", counts={"characters": len(answer)})
        ctx.emit("step.started", step="validate")
        for mending in range(MOST_MENDINGS + 1):
            try:
                draft, content = read_draft(answer, kind)
                break
            except DraftInvalid as error:
                if mending == MOST_MENDINGS:
                    said = f"After {mending} corrections it still has: {error}"
                    raise TemplateGenerationFailed(said[:500]) from error
                ctx.emit("log", step="validate", mistakes=error.mistakes)
                reason = TemplateGenerationFailed.code
                ctx.emit("step.retrying", step="validate", reason=reason, retry_in=0)
                answer = (await self._ask(ctx, made, _mending(asked, answer, error))).text
        ctx.emit(
            "log",
            step="validate",
            kept={"draft": draft.model_dump(), "content": content.told()},
        )
        ctx.emit("step.completed", step="validate", counts={"corrections": mending})
        return draft, content

    async def _evaluate(
        self, ctx: RunContext, made: _Made, brief: Brief, content: Content
    ) -> dict[str, Any] | None:
        ctx.emit("step.started", step="evaluate")

        async def asking(asked: Asked) -> Answered:
            return await self._ask(ctx, made, asked)

        evaluator = Evaluator(asking, brief, ctx.input["model"])
        cases = _judged(ctx)
        for example in content.examples[len(cases) : MOST_CASES]:
            case = await evaluator.case(content, example, brief.name)
            cases.append(case)
            ctx.emit("log", step="evaluate", done=len(cases), score=case["score"], case=case)
        judged = sum(each["score"] is not None for each in cases)
        ctx.emit("step.completed", step="evaluate", counts={"cases": len(cases), "judged": judged})
        return evidence_of(cases)

    async def _ask(self, ctx: RunContext, made: _Made, asked: Asked) -> Answered:
        access = access_of(ctx)
        payer = payer_of(access, KIND, ctx.run_id)
        answered = await ask(self._calls, payer, access, asked)
        made.total += answered.total
        tell_usage(ctx, answered.total)
        if answered.by_demo:
            raise TemplateModelMissing(
                "The demo provider repeats what it is asked, and cannot write a template. Add a "
                "provider's key, or name a model of one."
            )
        return answered

    def _asked(self, ctx: RunContext, told: str, said: str, schema: Mapping[str, Any]) -> Asked:
        messages = [{"role": "system", "content": told}, {"role": "user", "content": said}]
        return Asked(messages, ctx.input["model"], schema, max_output_tokens=MOST_OUTPUT)

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """Keep the template as a draft, with what the evaluation showed."""
        made = self._made.get(ctx.run_id) or _Made(total=_spent(ctx))
        on_commit(session, lambda: self._made.pop(ctx.run_id, None))
        result: dict[str, Any] = {"template_id": None}
        if ending.status == "completed" and made.content is not None:
            result = await _stored(ctx, session, made, made.content)
        total = made.total
        return Settlement(result, total.input_tokens, total.output_tokens, total.cost_usd)


async def _stored(
    ctx: RunContext, session: AsyncSession, made: _Made, content: Content
) -> dict[str, Any]:
    """The run's result; where the template cannot be kept any more, why, and what it says."""
    author = Author(ctx.workspace_id, ctx.user_id)
    try:
        async with session.begin_nested():
            template = await keeping.add(session, author, _sheet(ctx, made), content)
    except AppError as error:
        return {"template_id": None, "problem": error.problem(), "content": content.told()}
    score = (made.evidence or {}).get("score")
    return {"template_id": str(template.id), "slug": template.slug, "score": score}


def _sheet(ctx: RunContext, made: _Made) -> Sheet:
    brief, draft, wish = made.brief, made.draft, ctx.input
    return Sheet(
        wish["name"] or (draft.name if draft else "Template"),
        draft.description if draft else "",
        wish["category"] or (brief.category if brief else "general"),
        wish["language"],
        metadata={"run_id": str(ctx.run_id)},
        origin="generation",
        note=wish["description"][:500],
        evidence=made.evidence,
    )


def _mending(asked: Asked, answer: str, error: DraftInvalid) -> Asked:
    told = wording.MEND.format(mistakes="\n".join(f"- {each}" for each in error.mistakes))
    messages: Sequence[Mapping[str, str]] = [
        *asked.messages,
        {"role": "assistant", "content": answer or "{}"},
        {"role": "user", "content": told},
    ]
    return Asked(messages, asked.model, asked.schema, max_output_tokens=MOST_OUTPUT)


def _wish(ctx: RunContext) -> str:
    examples = "\n\n".join(ctx.input["examples"])
    wanted = f"What it is wanted for:\n{ctx.input['description']}"
    return f"{wanted}\n\nExamples:\n{examples}" if examples else wanted


def _language(ctx: RunContext) -> str:
    tag: str = ctx.input["language"]
    return LANGUAGES.get(tag.partition("-")[0].lower(), f"the language with the tag {tag}")


def _kept(ctx: RunContext) -> dict[str, Any]:
    """What steps of an earlier process came to, by the step."""
    return {
        event.body["step"]: event.body["kept"]
        for event in ctx.history
        if event.type == "log" and "kept" in event.body
    }


def _judged(ctx: RunContext) -> list[dict[str, Any]]:
    """The cases that earlier processes have tried out."""
    told = [event.body for event in ctx.history if event.type == "log"]
    return [body["case"] for body in told if body.get("step") == "evaluate" and "case" in body]


def _spent(ctx: RunContext) -> Total:
    """What calls of earlier processes came to."""
    return sum(usage_told(ctx.history), Total())
