"""What all agents of one run share: its journal, its limits, its budget, and who asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Protocol
from uuid import UUID, uuid5

from app.agents.definitions.definition import AgentDefinition, Limits
from app.agents.runtime.crud import Place
from app.agents.runtime.errors import LimitReached
from app.agents.runtime.journal import Cost, Journal
from app.agents.runtime.leaks import Confided
from app.agents.runtime.models import ExecutionStep
from app.agents.runtime.seen import Seen, addresses
from app.agents.tools.registry import ToolRegistry
from app.core.auth import Access
from app.core.errors import AppError
from app.inference.calls.calls import Calls
from app.inference.usage.payer import Payer
from app.runs.runs.context import RunContext

# How many agents of one tree may be at work at the same time.
MOST_AT_ONCE: Final = 8
# The purpose of runs that answer other agents' messages.
MAIL: Final = "agent_mail"
# That of runs that try an agent out: they leave nothing behind for later ones.
EVALUATION: Final = "evaluation"
# What a run's metadata names the protocol by which another agent or program has called.
STARTED_BY: Final = "started_by"
# The code of calls that were refused for their number.
BEYOND: Final = "limit_reached"


class Waits(Exception):
    """An agent cannot go on now: `reason` is `approval` or `budget`. Others of the tree finish."""

    def __init__(self, reason: str, error: AppError | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.error = error


class HandedOff(Exception):
    """The agent has given the conversation to another one."""

    def __init__(self, to: str, note: str) -> None:
        super().__init__(to)
        self.to = to
        self.note = note


@dataclass(frozen=True, slots=True)
class Role:
    """An agent as a run knows it: which, and what it was when the run began."""

    slug: str
    name: str
    definition: AgentDefinition
    agent_id: UUID | None = None
    version: int | None = None
    about: str = ""


class Casting(Protocol):
    """Who finds the agents that others give work to."""

    async def __call__(self, access: Access, reference: str) -> Role:
        """Raises AgentNotFound."""
        ...


@dataclass(slots=True)
class Tree:
    """One run: the agent that was asked, and all that it gave work to.

    `instructions` are that agent's, as they were when the run began.
    """

    ctx: RunContext
    access: Access
    journal: Journal
    calls: Calls
    tools: ToolRegistry
    cast: Casting
    limits: Limits
    budget_usd: Decimal | None
    purpose: str
    model: str | None = None
    conversation_id: UUID | None = None
    instructions: str = ""
    _seen: Seen = field(default_factory=Seen)
    _confided: Confided = field(default_factory=Confided)
    _calling: set[Place] = field(default_factory=set)
    _told: set[tuple[str, ...]] = field(default_factory=set)
    _cited: dict[str, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._recollect()
        for event in self.ctx.history:
            mark = _mark(event.type, event.body)
            if mark is not None:
                self._told.add(mark)
            if event.type == "source.added":
                self.keep_number(event.body.get("path", ""), event.body)
        for step in self.journal.steps.values():
            for source in (step.outcome or {}).get("sources", ()):
                self.keep_number(step.path, source)

    def _recollect(self) -> None:
        """What tools have said and people have agreed to in earlier attempts."""
        for step in self.journal.steps.values():
            if step.kind == "tool" and step.status == "ended":
                self.note_result(step)
        for approval in self.journal.approvals.values():
            if approval.status == "approved":
                self.see(addresses(approval.arguments))

    def payer(self, agent_id: UUID | None) -> Payer:
        """Who pays: whoever asked, for the whole tree."""
        rules = self.access.rules
        return Payer(
            self.access.workspace_id,
            self.access.user_id,
            self.purpose,
            api_key_id=self.access.api_key_id,
            customer=rules.customer,
            agent_id=agent_id,
            run_id=self.ctx.run_id,
            conversation_id=self.conversation_id,
            tags=rules.tags,
            run_cap=self.budget_usd,
        )

    def message_id(self, path: str, number: int, attempt: int = 0) -> UUID:
        """The same in every process."""
        return uuid5(self.ctx.run_id, f"{path}:{number}:{attempt or ''}")

    def see(self, texts: Iterable[str]) -> None:
        """Note what people and documents say: addresses in it may be called."""
        self._seen.people_say(texts)

    def has_seen(self, address: str) -> bool:
        """Whether somebody else than a model wrote the address, whole."""
        return self._seen.has(address)

    def hear(self, question: str) -> None:
        """Note what the run was asked. Another agent's message is no person's word."""
        if self.purpose != MAIL:
            self._seen.people_say([question])
            self._confided.publish(question)

    def confide(self, prompt: str) -> None:
        """Note what an agent is told that the outside should not learn."""
        self._confided.confide(prompt)

    def note_result(self, step: ExecutionStep) -> None:
        """Note what a tool has said, by what its step says of the tool."""
        outcome, arguments = step.outcome or {}, step.arguments
        origin, text = outcome.get("origin"), outcome.get("text", "")
        if origin in ("outside", "workspace") and isinstance(arguments, dict):
            self._seen.tool_says(text, arguments)
        if origin in ("outside", "others"):
            self._confided.publish(text)
        elif origin is not None:
            self._confided.confide(text)

    def leaks(self, arguments: Mapping[str, Any]) -> bool:
        """Whether a call would tell the outside what was confided to an agent of this run."""
        return self._confided.stands_in(arguments, self._seen.has_address)

    def tell(self, kind: str, mark: str, /, **fields: Any) -> None:
        """Emit an event of a call once, over every attempt at the run."""
        told = _place(kind, fields, mark)
        if told not in self._told:
            self._told.add(told)
            self.ctx.emit(kind, **fields)

    def tell_message(
        self, told: Mapping[str, Any], model: str, route: str | None, *, demo: bool
    ) -> None:
        """Announce a model's answer; `told` says where in the run it stands."""
        self.ctx.emit(
            "message.created",
            **told,
            role="assistant",
            model=model,
            route=route,
            parent_id=None,
            conversation_id=self.conversation_id,
            demo=demo,
        )

    def tell_end(self, told: Mapping[str, Any], cost: Cost) -> None:
        """Tell that a step has ended that `told` says the place of, and what it used."""
        counts = {"input_tokens": cost.input_tokens, "output_tokens": cost.output_tokens}
        self.ctx.emit("usage.updated", **counts, cost_usd=cost.usd, path=told["path"])
        self.ctx.emit("step.completed", **told, counts=counts)

    def keep_number(self, path: str, source: Mapping[str, Any]) -> None:
        """Note under which number an agent was shown a passage."""
        numbers = self._cited.setdefault(path, {})
        numbers.setdefault(str(source["passage_id"]), source["number"])

    def cite(self, path: str, passage_id: UUID) -> int:
        """The number under which an agent may cite a passage: one in its whole run."""
        numbers = self._cited.setdefault(path, {})
        return numbers.setdefault(str(passage_id), max(numbers.values(), default=0) + 1)

    def expect_room(self) -> None:
        """Before a model is asked; raises LimitReached."""
        limits, cost = self.limits, self.journal.cost
        if self.journal.count("model") >= limits.steps:
            raise LimitReached(f"Its models may be asked {limits.steps} times.")
        if limits.tokens is not None and cost.input_tokens + cost.output_tokens >= limits.tokens:
            raise LimitReached(f"It may read and write {limits.tokens} tokens.")

    @property
    def is_last_step(self) -> bool:
        """Whether the model's next call is the last one that the limits allow."""
        return self.journal.count("model") + 1 >= self.limits.steps

    def has_room_for(self, place: Place) -> bool:
        """Whether a tool may be called there; from then on the call counts."""
        made = {
            each
            for each, step in self.journal.steps.items()
            if step.kind == "tool" and not step.copied and not _is_beyond(step)
        }
        made |= self._calling
        if place not in made and len(made) >= self.limits.tool_calls:
            return False
        self._calling.add(place)
        return True


def _is_beyond(step: ExecutionStep) -> bool:
    return (step.outcome or {}).get("code") == BEYOND


def _mark(kind: str, body: Mapping[str, Any]) -> tuple[str, ...] | None:
    if kind.startswith("tool.") and "call_id" in body:
        return _place(kind, body, body["call_id"])
    if kind == "source.added":
        return _place(kind, body, f"{body['passage_id']}:{body['number']}")
    if kind == "memory.recalled":
        return _place(kind, body, body["memory_id"])
    return None


def _place(kind: str, fields: Mapping[str, Any], mark: str) -> tuple[str, ...]:
    number = "" if kind == "source.added" else str(fields.get("number", ""))
    return (kind, fields.get("path", ""), number, mark)
