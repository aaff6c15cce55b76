"""The work of a turn: ask the model, write what it says to the run's log, keep the answer."""

import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.chat.conversations import crud as conversations_crud
from app.chat.conversations.models import Conversation
from app.chat.messages import crud as messages_crud
from app.chat.messages.models import Message
from app.chat.turns import titles
from app.chat.turns.context import Prepared, build_request
from app.chat.turns.outcome import outcome_of
from app.chat.turns.service import KIND
from app.core.config import Settings
from app.core.db import AsyncSession, Database, on_commit
from app.core.errors import AppError
from app.inference.catalog.pricing import cost
from app.inference.integrations.directory import Directory, Target
from app.inference.providers.errors import ContentFiltered
from app.inference.providers.types import (
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    Usage,
    UsageReport,
)
from app.inference.usage import service as ledger
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement


@dataclass(slots=True)
class Call:
    """What this process knows of the call it is making."""

    id: UUID
    began: float = field(default_factory=time.perf_counter)
    first_token_ms: int | None = None
    usage: Usage | None = None
    finish_reason: str | None = None
    text: list[str] = field(default_factory=list)


class Answering:
    """Answers the last message of a conversation's branch."""

    kind = KIND

    def __init__(self, database: Database, directory: Directory, settings: Settings) -> None:
        self._database = database
        self._directory = directory
        self._settings = settings
        self._calls: dict[UUID, Call] = {}
        self._prepared: dict[UUID, Prepared] = {}

    def expect(self, run_id: UUID, prepared: Prepared) -> None:
        """Hand over what the request already knows of a run that this process will launch."""
        self._prepared[run_id] = prepared

    async def run(self, ctx: RunContext) -> None:
        """Ask, and stream. After a crash, ask the model to go on where its text broke off."""
        prepared = self._prepared.pop(ctx.run_id, None) or await self._prepare(ctx)
        target, call = prepared.target, Call(prepared.call_id)
        self._calls[ctx.run_id] = call
        if not any(event.type == "message.created" for event in ctx.history):
            ctx.emit(
                "message.created",
                message_id=ctx.input["answer_id"],
                parent_id=ctx.input["question_id"],
                conversation_id=str(ctx.subject_id),
                role="assistant",
                model=target.reference,
                demo=target.endpoint.kind == "demo",
            )
        async with aclosing(target.endpoint.provider.stream(prepared.request)) as events:
            async for event in events:
                self._take(ctx, call, event)
        self._report(ctx, call, target)
        if call.finish_reason == "content_filter" and not call.text:
            raise ContentFiltered(target.endpoint.label, "the answer was withheld.")

    def _take(self, ctx: RunContext, call: Call, event: StreamEvent) -> None:
        if isinstance(event, TextDelta):
            if call.first_token_ms is None:
                call.first_token_ms = round((time.perf_counter() - call.began) * 1000)
            call.text.append(event.text)
            ctx.text(event.text, message_id=ctx.input["answer_id"])
        elif isinstance(event, ReasoningDelta):
            if event.text:
                ctx.reasoning(event.text, message_id=ctx.input["answer_id"])
        elif isinstance(event, UsageReport):
            call.usage = event.usage
        elif isinstance(event, Finished):
            call.finish_reason = event.reason

    def _report(self, ctx: RunContext, call: Call, target: Target) -> None:
        if call.usage is not None:
            ctx.emit(
                "usage.updated",
                input_tokens=call.usage.input_tokens,
                output_tokens=call.usage.output_tokens,
                cost_usd=cost(target.endpoint.kind, target.model, call.usage),
            )

    async def _prepare(self, ctx: RunContext) -> Prepared:
        """What another process, now gone, had begun: settle its call and open one of our own."""
        target = await self._directory.target(ctx.workspace_id, ctx.input["model"])
        async with self._database.unit(ctx.scope) as session:
            conversation = await self._conversation(ctx, session)
            question_id = UUID(ctx.input["question_id"])
            branch = await messages_crud.branch(
                session, ctx.workspace_id, conversation.id, question_id
            )
            partial = ctx.text_so_far
            request = build_request(
                target, conversation.instructions, branch, ctx.input["parameters"], partial
            )
            lost = _text_of_last_attempt(ctx)
            await ledger.settle_interrupted(session, ctx.workspace_id, ctx.run_id, lost)
            caller = ledger.Caller(ctx.workspace_id, ctx.user_id, ctx.executor_id, KIND, ctx.run_id)
            call_id = await ledger.open_call(session, caller, target, request)
        return Prepared(target, request, call_id)

    async def _conversation(
        self, ctx: RunContext, session: AsyncSession, *, for_update: bool = False
    ) -> Conversation:
        assert ctx.subject_id is not None  # noqa: S101 - every turn has its conversation
        conversation = await conversations_crud.get(
            session, ctx.workspace_id, ctx.subject_id, for_update=for_update
        )
        if conversation is None:
            raise AppError("The conversation of this run is gone.")
        return conversation

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """Keep the answer, whole or in part, with what it cost."""
        call = self._calls.get(ctx.run_id)
        on_commit(session, lambda: self._calls.pop(ctx.run_id, None))
        total = await self._settle_call(ctx, session, call, ending)
        conversation = await self._conversation(ctx, session, for_update=True)
        answer_id = UUID(ctx.input["answer_id"])
        answer = await messages_crud.get(session, ctx.workspace_id, conversation.id, answer_id)
        untitled = conversation.title_source == "none"
        if untitled:
            await titles.give_fallback(session, conversation, UUID(ctx.input["question_id"]))
        if answer is not None:
            _fill(answer, ctx, ending, call)
            answer.input_tokens, answer.output_tokens = total.input_tokens, total.output_tokens
            answer.cost_usd = total.cost_usd
        if conversation.active_run_id == ctx.run_id:
            conversation.active_run_id = None
        if untitled and ending.status == "completed" and self._settings.titles == "model":
            await titles.ask_for(session, ctx, conversation)
        result = {"conversation_id": str(conversation.id), "message_id": ctx.input["answer_id"]}
        return Settlement(result, total.input_tokens, total.output_tokens, total.cost_usd)

    async def _settle_call(
        self, ctx: RunContext, session: AsyncSession, call: Call | None, ending: Ending
    ) -> ledger.Total:
        if call is None:
            lost = _text_of_last_attempt(ctx)
            await ledger.settle_interrupted(session, ctx.workspace_id, ctx.run_id, lost)
            return await ledger.total_of_run(session, ctx.workspace_id, ctx.run_id)
        outcome = outcome_of(
            ending, call.usage, text="".join(call.text), first_token_ms=call.first_token_ms
        )
        row = await ledger.settle_call(session, ctx.workspace_id, call.id, outcome)
        if row is not None and ctx.attempt == 1:
            return ledger.Total(row.input_tokens, row.output_tokens, row.cost_usd)
        return await ledger.total_of_run(session, ctx.workspace_id, ctx.run_id)


def _fill(answer: Message, ctx: RunContext, ending: Ending, call: Call | None) -> None:
    parts: list[dict[str, Any]] = []
    if ctx.reasoning_so_far:
        parts.append({"type": "reasoning", "text": ctx.reasoning_so_far})
    if ctx.text_so_far:
        parts.append({"type": "text", "text": ctx.text_so_far})
    answer.parts, answer.text = parts, ctx.text_so_far
    answer.status = {"completed": "complete"}.get(ending.status, ending.status)
    answer.finish_reason = call.finish_reason if call else None
    answer.error = ending.error.problem() if ending.error else None


def _text_of_last_attempt(ctx: RunContext) -> str:
    """What the log holds of the attempt before this one."""
    said: list[str] = []
    for event in ctx.history:
        if event.type == "run.resumed":
            said.clear()
        elif event.type == "text.delta":
            said.append(event.body["text"])
    return "".join(said)
