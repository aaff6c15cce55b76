"""How an agent asks its model: behind routing, failover and budgets, each answer a step."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from app.agents.context.history import Shown
from app.agents.runtime.answer import Answer, Partial
from app.agents.runtime.compacting import SUMMARY, Summing
from app.agents.runtime.journal import Cost, Journal
from app.agents.runtime.models import ExecutionStep
from app.agents.runtime.prompt import Prompt
from app.agents.runtime.tree import Role, Tree, Waits
from app.agents.runtime.words import calls_of, restored, stored, text_of
from app.inference.calls.order import Grant, Order
from app.inference.calls.seam import Seam
from app.inference.calls.totals import total_of
from app.inference.gate.errors import BudgetExceeded
from app.inference.integrations.directory import Target
from app.inference.providers.types import (
    CONTINUE_PROMPT,
    ChatRequest,
    Message,
    Part,
    ResponseFormat,
    TextPart,
    ToolSpec,
)
from app.inference.routing.plan import Question

MOST_CHARACTERS = 4000


@dataclass(slots=True)
class Asking:
    """What an agent asks its model with. `partials` are answers that dead processes had begun."""

    tree: Tree
    role: Role
    path: str
    prompt: Prompt
    specs: tuple[ToolSpec, ...]
    partials: dict[tuple[str, int], Partial]
    fixed_model: str | None = None
    _fits: tuple[Target, Sequence[Message], Shown] | None = None

    @property
    def journal(self) -> Journal:
        return self.tree.journal

    async def asked(self, number: int, conversation: Sequence[Message]) -> ExecutionStep:
        """The model's answer of this number, after what was said since it was first asked.

        Raises Waits where a budget has no room for it, and LimitReached.
        """
        place = (self.path, number, "")
        done = self.journal.ended(place)
        if done is not None:
            return done
        self.tree.expect_room()
        shown = [*conversation]
        await self._compact(number, shown)
        partial = self._partial(number)
        if partial.text:
            shown += [
                Message("assistant", (TextPart(partial.text),)),
                Message("user", (TextPart(CONTINUE_PROMPT),)),
            ]
        grant = await self._admitted(shown)
        try:
            step = self.journal.begin_held(place, self._begun(grant, shown))
        except BaseException:
            self.tree.calls.release(grant)
            raise
        await self._heard(step, grant, shown, partial)
        return step

    def _partial(self, number: int) -> Partial:
        """What stands of the answer already; one that must be of a structure is begun anew."""
        known = self.partials.get((self.path, number))
        if known is None:
            return Partial(self.tree.message_id(self.path, number))
        if self.role.definition.output_schema is None:
            return known
        attempt = self.tree.ctx.attempt
        self.tree.ctx.emit(
            "step.retrying", step="model", path=self.path, number=number,
            reason="process_lost", retry_in=0.0,
        )  # fmt: skip
        return Partial(self.tree.message_id(self.path, number, attempt))

    async def _compact(self, number: int, shown: Sequence[Message]) -> None:
        """Have summed up what does not fit any more, where the definition wants it."""
        if self.prompt.compaction.kind != "summary":
            return
        plan = await self.tree.calls.plan(self._order(self._question(shown)))
        target, most = plan.candidates[0].target, self.role.definition.parameters.max_output_tokens
        place = (self.path, number, SUMMARY)
        summing = Summing(self.tree, self.role, self.fixed_model)
        self.prompt = await summing.compacted(place, self.prompt, shown, target, most)

    def _order(self, question: Question) -> Order:
        payer = self.tree.payer(self.role.agent_id)
        return Order(payer, question, self.tree.access.rules, self.tree.access)

    async def _admitted(self, shown: Sequence[Message]) -> Grant:
        try:
            return await self.tree.calls.admit(self._order(self._question(shown)))
        except BudgetExceeded as error:
            raise Waits("budget", error) from error

    def _question(self, shown: Sequence[Message]) -> Question:
        definition = self.role.definition
        needs = {"tools"} if self.specs else set()
        if definition.output_schema is not None:
            needs.add("structured_output")
        if self.prompt.has_images:
            needs.add("vision")
        return Question(
            self.fixed_model,
            self.prompt.tokens(shown),
            definition.parameters.max_output_tokens,
            needs=frozenset(needs),
            sticky=str(self.tree.conversation_id or self.tree.ctx.run_id),
            text=self.prompt.question[:MOST_CHARACTERS],
            agent_route=definition.model,
        )

    def _begun(self, grant: Grant, shown: Sequence[Message]) -> dict[str, Any]:
        return {
            "kind": "model",
            "agent_slug": self.role.slug,
            "name": grant.call.candidate.target.reference,
            "context": self.prompt.told(self._fitted(grant.call.candidate.target, shown)),
        }

    def _fitted(self, target: Target, shown: Sequence[Message]) -> Shown:
        """What is shown to a model; it is told of before it is asked."""
        if self._fits is None or self._fits[0] is not target or self._fits[1] is not shown:
            most = self.role.definition.parameters.max_output_tokens
            self._fits = target, shown, self.prompt.fitted(target, shown, most)
        return self._fits[2]

    def _request(self, target: Target, shown: Sequence[Message]) -> ChatRequest:
        definition = self.role.definition
        parameters = definition.parameters
        form = None
        if definition.output_schema is not None:
            form = ResponseFormat("json_schema", "answer", definition.output_schema, strict=False)
        last = self.tree.is_last_step
        return ChatRequest(
            model=target.model,
            messages=self.prompt.messages(self._fitted(target, shown)),
            tools=self.specs,
            tool_choice="none" if self.specs and last else None,
            response_format=form,
            temperature=parameters.temperature,
            top_p=parameters.top_p,
            max_output_tokens=parameters.max_output_tokens,
            reasoning_effort=parameters.reasoning_effort,
            seed=parameters.seed,
            stop=tuple(parameters.stop or ()),
        )

    async def _heard(
        self, step: ExecutionStep, grant: Grant, shown: Sequence[Message], partial: Partial
    ) -> None:
        telling = self.tree.calls.telling(grant, lambda target: self._request(target, shown))
        answer = Answer(self.tree, self.role, step, partial)
        answer.announce(telling.course)
        async with aclosing(telling.batches()) as batches:
            async for batch in batches:
                if isinstance(batch, Seam):
                    answer.mark(batch)
                else:
                    answer.take(batch)
        parts = answer.finished(telling.course)
        total = total_of(telling.course.calls)
        first = telling.course.attempt.first_token_ms
        cost = Cost(total.input_tokens, total.output_tokens, total.cost_usd, first)
        step.name = telling.course.attempt.target.reference
        outcome = {"parts": stored(parts), "finish_reason": answer.finish_reason}
        if self._is_last(parts):
            self.journal.end_with_run(step, outcome, cost)
        else:
            await self.journal.end(step, outcome, cost)
        answer.tell_end(cost)

    def _is_last(self, parts: Sequence[Part]) -> bool:
        """Whether the run ends with this answer, whatever it is."""
        is_alone = not self.path and not self.specs
        return is_alone and self.role.definition.output_schema is None and not calls_of(parts)


def said(step: ExecutionStep) -> str:
    """The text of an answer."""
    return text_of(restored((step.outcome or {})["parts"]))
