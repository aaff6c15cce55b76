"""Asking a target a case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

import orjson

from app.agents.evaluations.asking import Asked, Spent, parameters_of
from app.agents.evaluations.experiments.errors import AgentRunFailed, TargetNotReady
from app.agents.evaluations.experiments.schemas import (
    ExperimentTarget,
    ModelTarget,
    PinnedAgent,
    PinnedPrompt,
    PromptTarget,
)
from app.agents.evaluations.graders.rendering import TemplateInvalid, render
from app.agents.evaluations.graders.sample import Called, Case, Sample
from app.agents.evaluations.ports import AgentEnded, AgentRunner, AgentWanted, Prompts
from app.core.auth import Access
from app.core.errors import Unprocessable, from_problem
from app.inference.calls.totals import Total
from app.inference.providers.types import ChatRequest, Message, TextPart

PARAMETERS = (
    "temperature", "top_p", "max_output_tokens", "reasoning_effort", "seed", "stop",
)  # fmt: skip


class PromptUnfit(Unprocessable):
    code = "prompt_unfit"
    title = "The prompt cannot be filled for this case"


class Asking(Protocol):
    """Asks a model."""

    async def ask(self, request: ChatRequest, spent: Spent) -> Asked: ...


@dataclass(frozen=True, slots=True)
class Answered:
    """A sample, which model gave it, and the agent's run."""

    sample: Sample
    model: str | None
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Asks:
    """What targets are asked with. `runner` and `prompts` are None where there are none yet."""

    access: Access
    run_id: UUID
    asker: Asking
    runner: AgentRunner | None
    prompts: Prompts | None

    async def answer(
        self, target: ModelTarget | PinnedPrompt, case: Case, spent: Spent
    ) -> Answered:
        """Raises what asking raises, PromptUnfit, TargetNotReady."""
        if isinstance(target, ModelTarget):
            messages = plain_messages(target, case)
        else:
            messages = await self._filled(target, case)
        asked = await self.asker.ask(request_of(target, messages), spent)
        return Answered(sample_of(asked), asked.model)

    async def _filled(self, target: PinnedPrompt, case: Case) -> tuple[Message, ...]:
        if target.messages is not None:
            return filled(target, case)
        if self.prompts is None or target.template is None:
            raise TargetNotReady("Templates of prompts are not there.")
        template, version, label = _meant(target, target.template)
        told = await self.prompts.messages(
            self.access, template, version, label, prompt_values(case)
        )
        return tuple(message(each["role"], each["content"]) for each in told)

    async def begin(
        self, target: PinnedAgent, case: Case, run_id: UUID, budget: Decimal | None
    ) -> None:
        """Begin an agent's run, unless it was before; raises what is wrong with the agent."""
        agent, version, label = _meant(target, target.agent)
        variables = dict(case.variables)
        wanted = AgentWanted(
            run_id, agent, case.input, variables, version, label, budget, self.run_id
        )
        await _there(self.runner).start(self.access, wanted)

    async def end(self, run_id: UUID, spent: Spent) -> Answered:
        """Wait for an agent's run; raises its error, or AgentRunFailed.

        What it has cost is added to `spent`, whatever the ending.
        """
        runner = _there(self.runner)
        ended = await runner.ended(self.access, run_id)
        spent.total += Total(ended.input_tokens, ended.output_tokens, ended.cost_usd)
        if ended.status == "completed":
            return Answered(sample_of_run(ended), ended.model, run_id)
        if ended.status == "paused":
            await runner.cancel(self.access, run_id)
            raise AgentRunFailed("It paused for a person or for its budget, and was cancelled.")
        if ended.problem is not None:
            raise from_problem(ended.problem)
        raise AgentRunFailed(f"It is {ended.status}.")


def _meant(target: PinnedAgent | PinnedPrompt, named: str) -> tuple[str, int | None, str | None]:
    """What is asked for: by name, version and label."""
    if target.resolved_id is None:
        return named, target.version, target.label
    return str(target.resolved_id), target.resolved_version, None


def _there(runner: AgentRunner | None) -> AgentRunner:
    if runner is None:
        raise TargetNotReady("Agents cannot be run here.")
    return runner


def plain_messages(target: ModelTarget, case: Case) -> tuple[Message, ...]:
    said = () if target.instructions is None else (message("system", target.instructions),)
    if isinstance(case.input, str):
        return (*said, message("user", case.input))
    return (*said, *(message(each["role"], each["content"]) for each in case.input))


def prompt_values(case: Case) -> dict[str, Any]:
    """What a prompt may name: variables by themselves and as `item`; never what is expected."""
    return {
        **case.variables,
        "input": case.text,
        "item": case.variables,
        "variables": case.variables,
    }


def filled(target: PromptTarget, case: Case) -> tuple[Message, ...]:
    """Raises PromptUnfit."""
    values = prompt_values(case)
    try:
        return tuple(
            message(each.role, render(each.content, values)) for each in target.messages or ()
        )
    except TemplateInvalid as error:
        raise PromptUnfit(f"The prompt cannot be filled: {error}.") from None


def message(role: Any, content: str) -> Message:
    return Message(role, (TextPart(content),))


def request_of(target: ModelTarget | PromptTarget, messages: tuple[Message, ...]) -> ChatRequest:
    given = parameters_of(target.parameters.model_dump(include=set(PARAMETERS)))
    return replace(ChatRequest(target.model, messages), **given)


def sample_of(asked: Asked) -> Sample:
    return Sample(
        asked.text,
        None,
        [Called(name, _read(arguments)) for name, arguments in asked.calls],
        1,
        asked.total.cost_usd,
        asked.total.input_tokens,
        asked.total.output_tokens,
        asked.latency_ms,
        asked.first_token_ms,
    )


def _read(arguments: str) -> Any:
    try:
        return orjson.loads(arguments or "{}")
    except ValueError:
        return None


def sample_of_run(ended: AgentEnded) -> Sample:
    return Sample(
        ended.text,
        ended.output,
        list(ended.calls),
        ended.steps,
        ended.cost_usd,
        ended.input_tokens,
        ended.output_tokens,
        ended.seconds * 1000,
        ended.first_token_ms,
    )


def case_of(row: Any) -> Case:
    """A case as a snapshot keeps it."""
    return Case(row.input, row.variables, row.expected, row.tags, row.labels)


def calls_kept(calls: Sequence[Called]) -> list[Mapping[str, Any]]:
    return [
        {"name": each.name, "arguments": each.arguments, "is_error": each.is_error}
        for each in calls
    ]


def named(targets: Sequence[ExperimentTarget], name: str) -> ExperimentTarget:
    return next(each for each in targets if each.name == name)
