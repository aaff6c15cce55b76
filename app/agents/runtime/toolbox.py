"""The tools of one agent in one run, and the way of every call: checked, agreed to, bounded."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

import orjson

from app.agents.definitions.definition import When
from app.agents.runtime.crud import Place
from app.agents.runtime.journal import id_of, paths_under
from app.agents.runtime.leaks import has_known_secret
from app.agents.runtime.models import ExecutionStep, ToolApproval
from app.agents.runtime.outcomes import failed, kept_of, origin_of
from app.agents.runtime.seen import addresses
from app.agents.runtime.telling import tell_call, tell_outcome
from app.agents.runtime.tree import BEYOND, EVALUATION, Role, Tree, Waits
from app.agents.tools.guarding import called, expect_valid
from app.agents.tools.tool import Tool, ToolContext, ToolFault
from app.core.clock import now
from app.core.ids import new_id
from app.core.json_limits import storable, too_deep
from app.core.json_schemas import TooLarge, validator_of
from app.runs.events.errors import RunLost

APPROVAL_DAYS: Final = 7
# Models invent names, and long ones.
MOST_NAME: Final = 128
MOST_NAMED: Final = 50
# What is not the tool's own: people are waited for, or the run is another process's by now.
PASSING: Final = (Waits, RunLost)
INTERRUPTED: Final = (
    "The server stopped in the middle of this call; whether it took effect is not known."
)


@dataclass(slots=True)
class Held:
    """A tool with what the definition says of it."""

    tool: Tool
    approval: str | When | None = None
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hands_off(self) -> bool:
        """Whether a call ends this agent's part: another one has the conversation."""
        return bool(getattr(self.tool, "hands_off", False))


@dataclass(slots=True)
class Toolbox:
    """What an agent may call, by the names that its model knows."""

    tree: Tree
    role: Role
    path: str
    held: Mapping[str, Held]

    async def call(self, number: int, call_id: str, name: str, written: str) -> ExecutionStep:
        """The call's step, ended: done now, or in an earlier attempt at the run.

        The name and the arguments are as the model wrote them. Raises Waits where a person must
        agree first.
        """
        place = (self.path, number, call_id)
        name, arguments = name[:MOST_NAME].replace("\x00", "\ufffd"), _read(written)
        # Also of a call that has ended: its process may have died before the log had it.
        self._tell("tool.call", place, name=name, arguments=arguments)
        done = self.tree.journal.ended(place)
        done = done or await self._carried_out(place, name, arguments)
        tell_outcome(self.tree, done)
        return done

    async def _carried_out(self, place: Place, name: str, arguments: Any) -> ExecutionStep:
        held = self.held.get(name)
        try:
            self._expect_room(place)
            if held is None:
                raise self._missing(place)
            expect_valid(held.tool, arguments)
            await self._expect_agreed(place, name, held, arguments)
            self._expect_repeatable(place, held.tool)
        except ToolFault as fault:
            return await self._refused(place, name, arguments, fault)
        step = await self.tree.journal.begin(place, self._begun(name, arguments))
        try:
            outcome = await called(held.tool, self._context(place, held), arguments, PASSING)
        except ToolFault as fault:
            await self._end(step, *failed(fault), held)
        else:
            kept = kept_of(outcome, held.tool.traits.characters)
            await self._end(step, kept, is_error=False, held=held)
        return step

    async def _refused(
        self, place: Place, name: str, arguments: Any, fault: ToolFault
    ) -> ExecutionStep:
        step = self.tree.journal.begun(place)
        step = step or await self.tree.journal.begin(place, self._begun(name, arguments))
        await self._end(step, *failed(fault))
        return step

    def _begun(self, name: str, arguments: Any) -> dict[str, Any]:
        return {
            "kind": "tool",
            "agent_slug": self.role.slug,
            "name": name,
            "arguments": arguments,
        }

    async def _end(
        self, step: ExecutionStep, outcome: dict[str, Any], is_error: bool, held: Held | None = None
    ) -> None:
        origin = origin_of(held.tool.traits) if held is not None else None
        kept = outcome if origin is None else {**outcome, "origin": origin}
        await self.tree.journal.end(step, kept, is_error=is_error)
        self.tree.note_result(step)

    def _expect_room(self, place: Place) -> None:
        if not self.tree.has_room_for(place):
            most = self.tree.limits.tool_calls
            raise ToolFault(BEYOND, f"Tools may be called {most} times; answer now.")

    def _missing(self, place: Place) -> ToolFault:
        """What is wrong with a call of what the agent does not have, or no longer has.

        Raises Waits while people are asked about it: by then it may be back.
        """
        approval = self.tree.journal.approvals.get(place)
        if self.tree.journal.begun(place) is not None:
            return ToolFault("interrupted", f"{INTERRUPTED} The tool is not there any more.")
        if approval is None:
            return ToolFault("unknown_tool", f"There is no tool of this name; {self._there_are()}.")
        self._expect_decided(approval)
        return ToolFault(
            "tool_gone",
            "A person agreed to this call, but the tool is not there any more; nothing was done.",
        )

    def _there_are(self) -> str:
        names = sorted(self.held)
        if not names:
            return "there are none at all"
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        return f"there are: {', '.join(names[:MOST_NAMED])}{more}"

    async def _expect_agreed(
        self, place: Place, name: str, held: Held, arguments: dict[str, Any]
    ) -> None:
        """Raises Waits until the server's own record says that a person has agreed."""
        reason = self._reason(held, arguments) or self._secret(held, arguments)
        if reason is None or self.tree.journal.begun(place) is not None:
            return
        approval = self.tree.journal.approvals.get(place)
        if approval is None:
            approval = await self._ask(place, name, arguments, reason)
        self._tell(
            "tool.approval_required",
            place,
            name=name,
            arguments=arguments,
            approval_id=approval.id,
            reason=approval.reason,
            expires_at=approval.expires_at,
        )
        self._expect_decided(approval)
        if approval.digest != digest_of(name, arguments):
            raise ToolFault("approval_mismatch", "Something else was agreed to.")

    def _expect_decided(self, approval: ToolApproval) -> None:
        """Raises Waits while it is not, and ToolFault where nobody agreed."""
        if approval.status == "pending":
            raise Waits("approval")
        if approval.status != "approved":
            said = f" They say: {approval.note}" if approval.note else ""
            raise ToolFault(f"approval_{approval.status}", f"A person did not agree.{said}")

    async def _ask(
        self, place: Place, name: str, arguments: dict[str, Any], reason: str
    ) -> ToolApproval:
        path, number, call_id = place
        ctx, asked_at = self.tree.ctx, now()
        approval = ToolApproval(
            id=new_id(),
            workspace_id=ctx.workspace_id,
            execution_id=ctx.run_id,
            user_id=ctx.user_id,
            path=path,
            number=number,
            call_id=call_id,
            agent_slug=self.role.slug,
            tool=name,
            arguments=arguments,
            digest=digest_of(name, arguments),
            reason=reason,
            status="pending",
            # Not when it is written: those of one step are, at once, in any order.
            created_at=asked_at,
            expires_at=asked_at + timedelta(days=APPROVAL_DAYS),
            note="",
        )
        return await self.tree.journal.ask(place, approval)

    def _reason(self, held: Held, arguments: dict[str, Any]) -> str | None:
        """Why a person must agree; None where nobody must."""
        match held.approval:
            case "never":
                return None
            case "always":
                return "always"
            case When():
                return "rule" if _matches(held.approval.when, arguments) else None
        usual = held.tool.traits.approval
        if usual == "unseen_url":
            unseen = any(not self.tree.has_seen(each) for each in addresses(arguments))
            return "unseen_url" if unseen else None
        return None if usual == "never" else "always"

    def _secret(self, held: Held, arguments: dict[str, Any]) -> str | None:
        """A call that would carry a secret needs a person, whatever else is said of the tool.

        `never` in the definition waives what is guessed alone: that something confided to the
        agent is one.
        """
        effects = held.tool.traits.effects
        if effects == "none":
            return None
        guess = effects == "external" and held.approval != "never"
        if has_known_secret(arguments) or (guess and self.tree.leaks(arguments)):
            return "secret_in_arguments"
        return None

    def _expect_repeatable(self, place: Place, tool: Tool) -> None:
        """What was under way when its process died is done again only where that is harmless."""
        if self.tree.journal.begun(place) is not None and not tool.traits.idempotent:
            raise ToolFault("interrupted", f"{INTERRUPTED} Look before you repeat it.")

    def _context(self, place: Place, held: Held) -> ToolContext:
        path, number, call_id = place

        def tell(fields: Mapping[str, Any]) -> None:
            self.tree.ctx.emit("log", step=held.tool.name, call_id=call_id, path=path, **fields)

        return ToolContext(
            self.tree.access,
            self.tree.ctx.run_id,
            paths_under(path, f"{number}.{call_id}"),
            id_of(self.tree.ctx.run_id, place),
            self.role.agent_id,
            self.tree.conversation_id,
            held.config,
            self.tree.has_seen,
            tell,
            partial(self.tree.cite, path),
            trial=self.tree.purpose == EVALUATION,
        )

    def _tell(self, kind: str, place: Place, **fields: Any) -> None:
        tell_call(self.tree, kind, place, self.role.slug, **fields)


def _matches(rule: dict[str, Any], arguments: dict[str, Any]) -> bool:
    """Whether a rule asks for a person; also where that cannot be told in time."""
    try:
        return validator_of(rule, only_2020=True).is_valid(arguments)
    except TooLarge:
        return True


def _read(written: str) -> Any:
    """A call's arguments as Postgres keeps them; no JSON, or too deep a one, stays a text."""
    try:
        value = orjson.loads(written)
    except orjson.JSONDecodeError:
        return written.replace("\x00", "\ufffd")
    return written if too_deep(written.encode(), value) is not None else storable(value)


def digest_of(name: str, arguments: Mapping[str, Any]) -> str:
    """What an approval is for: exactly this call."""
    told = orjson.dumps([name, arguments], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(told).hexdigest()
