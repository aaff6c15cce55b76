"""Summaries in an agent's run: each is a step of the journal, so that no process makes it twice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from app.agents.context.history import Material
from app.agents.context.summarising import Summed, question_of, sum_up
from app.agents.context.summary import Summary
from app.agents.runtime.crud import Place
from app.agents.runtime.journal import Cost
from app.agents.runtime.prompt import Prompt
from app.agents.runtime.tree import Role, Tree
from app.core.errors import AppError
from app.inference.calls.order import Grant, Order
from app.inference.integrations.directory import Target
from app.inference.providers.types import Message

# In the place of a call's id; no call of an answer is left with such a one.
SUMMARY: Final = "#summary"
# Steps after one that failed, before another one is tried.
PATIENCE: Final = 5


@dataclass(frozen=True, slots=True)
class Summing:
    """Sums up what one agent of a run was asked and has done."""

    tree: Tree
    role: Role
    fixed_model: str | None = None

    async def compacted(
        self,
        place: Place,
        prompt: Prompt,
        shown: Sequence[Message],
        target: Target,
        max_output_tokens: int | None,
    ) -> Prompt:
        """The prompt with the path's newest summary; made now where one is due.

        Where it cannot be made the prompt stays as it is, and what is oldest is left out.
        """
        path, number, _ = place
        prompt = replace(prompt, summary=self._newest(path))
        due = prompt.history(shown).due(prompt.room(target, max_output_tokens))
        if due is None or self._has_failed(path, number):
            return prompt
        summed = await self._made(place, prompt, due)
        if summed is None:
            return prompt
        return replace(prompt, summary=Summary(summed.text, due.covers, summed.model))

    def _newest(self, path: str) -> Summary | None:
        made = [
            (step.number, step.outcome)
            for step in self.tree.journal.steps.values()
            if step.kind == "summary" and step.path == path and step.outcome and not step.is_error
        ]
        if not made:
            return None
        _, outcome = max(made, key=lambda each: each[0])
        return Summary(outcome["text"], outcome["covers"], outcome["model"])

    def _has_failed(self, path: str, number: int) -> bool:
        """Whether one failed a short while ago."""
        return any(
            step.is_error and number - step.number < PATIENCE
            for step in self.tree.journal.steps.values()
            if step.kind == "summary" and step.path == path
        )

    async def _made(self, place: Place, prompt: Prompt, due: Material) -> Summed | None:
        told: dict[str, Any] = {"step": "summary", "path": place[0], "number": place[1]}
        told["agent"] = self.role.slug
        try:
            grant = await self._admitted(prompt, due)
        except AppError as error:
            self._tell_failure(told, error)
            return None
        try:
            step = await self.tree.journal.begin(place, self._begun(grant))
        except BaseException:
            self.tree.calls.release(grant)
            raise
        self.tree.ctx.emit("step.started", **told, model=step.name)
        summed = await sum_up(self.tree.calls, grant, due, prompt.compaction.seconds)
        total = summed.total
        cost = Cost(total.input_tokens, total.output_tokens, total.cost_usd)
        if summed.error is not None:
            failure = {"text": "", "code": summed.error.code}
            await self.tree.journal.end(step, failure, cost, is_error=True)
            self._tell_failure(told, summed.error)
            return None
        outcome = {"text": summed.text, "covers": due.covers, "model": summed.model}
        await self.tree.journal.end(step, outcome, cost)
        self.tree.tell_end(told, cost)
        return summed

    async def _admitted(self, prompt: Prompt, due: Material) -> Grant:
        model = prompt.compaction.model or self.fixed_model
        question = question_of(due, model, None if model else self.role.definition.model)
        access = self.tree.access
        order = Order(self.tree.payer(self.role.agent_id), question, access.rules, access)
        return await self.tree.calls.admit(order)

    def _begun(self, grant: Grant) -> dict[str, Any]:
        reference = grant.call.candidate.target.reference
        return {"kind": "summary", "agent_slug": self.role.slug, "name": reference}

    def _tell_failure(self, told: dict[str, Any], error: AppError) -> None:
        mark = f"{told['path']}:{told['number']}"
        self.tree.tell("step.failed", mark, **told, error=error.problem())
