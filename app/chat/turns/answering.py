"""The work of a turn: ask the model, write what it says to the run's log, keep the answer."""

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.chat.conversations.models import Conversation
from app.chat.messages import crud as messages_crud
from app.chat.messages.models import Message
from app.chat.turns import titles
from app.chat.turns.asking import Asked, Prepared
from app.chat.turns.compacting import compacted
from app.chat.turns.drawing import asked_again
from app.chat.turns.grounded import Watch, grounding_of, tell_sources, told_violations
from app.chat.turns.lost import last_told, order_of_lost, settle_lost, spent, told_seams
from app.chat.turns.remembering import forget_copies, remember
from app.chat.turns.service import KIND
from app.core import restorable
from app.core.config import Settings
from app.core.db import AsyncSession, Database, on_commit
from app.core.errors import AppError
from app.core.outbox import emit
from app.inference.calls.calls import Calls
from app.inference.calls.course import Course
from app.inference.calls.order import Grant
from app.inference.calls.seam import Seam
from app.inference.calls.totals import Total, total_of
from app.inference.providers.errors import ContentFiltered
from app.inference.providers.types import Finished, ReasoningDelta, StreamEvent, TextDelta
from app.knowledge.grounding.grounder import Grounder
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement


@dataclass(slots=True)
class Answer:
    """What this process knows of the answer that it is having written.

    `before` is what processes before this one have used for it, `watch` looks out for terms that it
    is not to use.
    """

    course: Course
    before: Total = field(default_factory=Total)
    seams: list[dict[str, Any]] = field(default_factory=list)
    watch: Watch | None = None
    finish_reason: str | None = None

    @property
    def total(self) -> Total:
        return self.before + total_of(self.course.calls)


class Answering:
    """Answers the last message of a conversation's branch."""

    kind = KIND

    def __init__(
        self, database: Database, calls: Calls, settings: Settings, grounder: Grounder
    ) -> None:
        self._database = database
        self._calls = calls
        self._grounder = grounder
        self._settings = settings
        self._answers: dict[UUID, Answer] = {}
        self._prepared: dict[UUID, Prepared] = {}

    def expect(self, run_id: UUID, prepared: Prepared) -> None:
        """Hand over what the request already knows of a run that this process will launch."""
        self._prepared[run_id] = prepared

    async def run(self, ctx: RunContext) -> None:
        """Ask, and stream. After a crash, ask the model to go on where its text broke off."""
        prepared = self._prepared.pop(ctx.run_id, None)
        before = Total()
        if prepared is None or prepared.grant is None:
            prepared, before = await self._take_up(ctx)
        assert prepared.grant is not None  # noqa: S101 - who runs a turn was let in
        asked, summed = await self._compacted(ctx, prepared.asked, prepared.grant)
        before += summed
        telling = self._calls.telling(prepared.grant, asked.request)
        watch = await self._watch(ctx)
        answer = Answer(telling.course, before, told_seams(ctx), watch)
        self._answers[ctx.run_id] = answer
        self._announce(ctx, answer)
        begun = len(ctx.text_so_far)
        async with aclosing(telling.stream()) as events:
            async for event in events:
                if isinstance(event, Seam):
                    self._mark(ctx, answer, event, begun)
                else:
                    self._take(ctx, answer, event)
        if watch is not None:
            watch.finish(ctx)
        total = answer.total
        ctx.emit(
            "usage.updated",
            input_tokens=total.input_tokens,
            output_tokens=total.output_tokens,
            cost_usd=total.cost_usd,
        )
        if answer.finish_reason == "content_filter" and not ctx.text_so_far:
            label = telling.course.attempt.target.endpoint.label
            raise ContentFiltered(label, "the answer was withheld.")

    async def _compacted(self, ctx: RunContext, asked: Asked, grant: Grant) -> tuple[Asked, Total]:
        """Have summed up what does not fit any more, where the conversation wants it."""
        try:
            target = grant.call.candidate.target
            return await compacted(self._database, self._calls, ctx, asked, target)
        except BaseException:
            self._calls.release(grant)
            raise

    def _announce(self, ctx: RunContext, answer: Answer) -> None:
        """Say who answers, the first time; from then on, that another call goes on."""
        attempt, told = answer.course.attempt, last_told(ctx)
        if told is not None:
            after = attempt.target.reference
            seam = Seam(0, told.model, after, "process_lost")
            self._mark(ctx, answer, seam, len(ctx.text_so_far))
            tell_sources(ctx)
            return
        ctx.emit(
            "message.created",
            message_id=ctx.input["answer_id"],
            parent_id=ctx.input["question_id"],
            conversation_id=str(ctx.subject_id),
            role="assistant",
            model=attempt.target.reference,
            route=answer.course.plan.route,
            demo=attempt.target.endpoint.kind == "demo",
        )
        tell_sources(ctx)

    def _mark(self, ctx: RunContext, answer: Answer, seam: Seam, begun: int) -> None:
        told = seam.told() | {"offset": begun + seam.offset}
        ctx.emit("failover", message_id=ctx.input["answer_id"], **told)
        answer.seams.append(told)

    def _take(self, ctx: RunContext, answer: Answer, event: StreamEvent) -> None:
        if isinstance(event, TextDelta):
            ctx.text(event.text, message_id=ctx.input["answer_id"])
            if answer.watch is not None:
                answer.watch.read(ctx, event.text)
        elif isinstance(event, ReasoningDelta):
            if event.text:
                ctx.reasoning(event.text, message_id=ctx.input["answer_id"])
        elif isinstance(event, Finished):
            answer.finish_reason = event.reason

    async def _take_up(self, ctx: RunContext) -> tuple[Prepared, Total]:
        """Go on for a process that is gone: settle its call, and have one of our own let in."""
        await settle_lost(self._calls, ctx)
        async with self._database.unit(ctx.scope) as session:
            conversation = await self._conversation(ctx, session)
            branch = await messages_crud.branch(
                session, ctx.workspace_id, conversation.id, UUID(ctx.input["question_id"])
            )
            before = await spent(session, ctx)
        asked = asked_again(ctx, conversation, branch)
        question = asked.question(ctx.input["model"], conversation.id)
        grant = await self._calls.admit(order_of_lost(ctx, question, KIND))
        return Prepared(asked, grant.plan, grant), before

    async def _watch(self, ctx: RunContext) -> Watch | None:
        scanner = await self._grounder.scanner(ctx.workspace_id, grounding_of(ctx))
        return None if scanner is None else Watch(scanner, ctx)

    async def _conversation(
        self, ctx: RunContext, session: AsyncSession, *, for_update: bool = False
    ) -> Conversation:
        assert ctx.subject_id is not None  # noqa: S101 - every turn has its conversation
        conversation = await restorable.find(
            session, Conversation, ctx.workspace_id, ctx.subject_id, for_update=for_update
        )
        if conversation is None:
            raise AppError("The conversation of this run is gone.")
        return conversation

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """Keep the answer, whole or in part, with what it cost."""
        answer = self._answers.get(ctx.run_id)
        on_commit(session, lambda: self._answers.pop(ctx.run_id, None))
        total = await self._total(ctx, session, answer)
        conversation = await self._conversation(ctx, session, for_update=True)
        answer_id = UUID(ctx.input["answer_id"])
        message = await messages_crud.get(session, ctx.workspace_id, conversation.id, answer_id)
        untitled = conversation.title_source == "none"
        if untitled:
            await titles.give_fallback(session, conversation, UUID(ctx.input["question_id"]))
        if message is not None:
            _fill(message, ctx, ending, answer)
            message.input_tokens, message.output_tokens = total.input_tokens, total.output_tokens
            message.cost_usd = total.cost_usd
        if conversation.active_run_id == ctx.run_id:
            conversation.active_run_id = None
        await forget_copies(session, ctx)
        if ending.status == "completed":
            await remember(session, ctx, conversation.id)
        if untitled and ending.status == "completed" and self._settings.titles == "model":
            model = message.model if message is not None else None
            await titles.ask_for(session, ctx, conversation, model or ctx.input["model"])
        result = {"conversation_id": str(conversation.id), "message_id": ctx.input["answer_id"]}
        if ending.status == "completed":
            told = {**result, "run_id": str(ctx.run_id)}
            await emit(
                session,
                ctx.workspace_id,
                "conversation.completed",
                told,
                subject_id=conversation.id,
                user_id=ctx.user_id,
            )
        return Settlement(result, total.input_tokens, total.output_tokens, total.cost_usd)

    async def _total(self, ctx: RunContext, session: AsyncSession, answer: Answer | None) -> Total:
        """What the run has used; where its work never began here, its lost call is settled."""
        if answer is not None:
            return answer.total
        prepared = self._prepared.pop(ctx.run_id, None)
        if prepared is not None and prepared.grant is not None:
            self._calls.release(prepared.grant)
            return Total()
        await settle_lost(self._calls, ctx)
        return await spent(session, ctx)


def _fill(message: Message, ctx: RunContext, ending: Ending, answer: Answer | None) -> None:
    parts: list[dict[str, Any]] = []
    if ctx.reasoning_so_far:
        parts.append({"type": "reasoning", "text": ctx.reasoning_so_far})
    if ctx.text_so_far:
        parts.append({"type": "text", "text": ctx.text_so_far})
    message.parts, message.text = parts, ctx.text_so_far
    message.status = {"completed": "complete"}.get(ending.status, ending.status)
    message.error = ending.error.problem() if ending.error else None
    message.seams = answer.seams if answer is not None else told_seams(ctx)
    message.sources = list(grounding_of(ctx).sources)
    message.violations = told_violations(ctx, answer.watch if answer is not None else None)
    if answer is not None:
        message.finish_reason = answer.finish_reason
        message.model = answer.course.attempt.target.reference
