"""Titles: the first words at once, and a better one from the model soon after."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.chat.conversations import crud as conversations_crud
from app.chat.conversations.models import Conversation
from app.chat.messages import crud as messages_crud
from app.chat.messages.models import Message
from app.chat.turns.outcome import outcome_of
from app.core.db import AsyncSession, Database, on_commit
from app.inference.integrations.directory import Directory
from app.inference.providers.types import TITLE_PROMPT, ChatRequest, TextPart, Usage
from app.inference.providers.types import Message as PromptMessage
from app.inference.usage import service as ledger
from app.runs.runs import service as runs
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

KIND = "conversation_title"
MAX_TITLE = 80
MAX_QUOTED = 2000


async def give_fallback(
    session: AsyncSession, conversation: Conversation, question_id: UUID
) -> None:
    """The first words that the user said."""
    question = await messages_crud.get(
        session, conversation.workspace_id, conversation.id, question_id
    )
    conversation.title = shorten(question.text if question else "") or "New conversation"
    conversation.title_source = "fallback"


async def ask_for(session: AsyncSession, ctx: RunContext, conversation: Conversation) -> None:
    """Have the model write a title, in a run of its own once this one is over."""
    run = await runs.create(
        session,
        ctx,
        executor_id=ctx.executor_id,
        kind=KIND,
        subject_id=conversation.id,
        input={"model": ctx.input["model"], "message_id": ctx.input["answer_id"]},
    )
    on_commit(session, lambda: ctx.launch(run))


def shorten(text: str) -> str:
    """One line of at most 80 characters, cut between words, without quotes around it."""
    line = re.sub(r"\s+", " ", text).strip().strip("\"'*#`“”„«» ").rstrip(".")
    if len(line) <= MAX_TITLE:
        return line
    return line[: MAX_TITLE - 1].rsplit(" ", 1)[0].rstrip(",;:-") + "…"


@dataclass(slots=True)
class TitleCall:
    """What this process knows of the call it is making; the title once there is an answer."""

    id: UUID
    title: str = ""
    usage: Usage | None = None


class Titling:
    """Asks the model that answered for a title."""

    kind = KIND

    def __init__(self, database: Database, directory: Directory) -> None:
        self._database = database
        self._directory = directory
        self._calls: dict[UUID, TitleCall] = {}

    async def run(self, ctx: RunContext) -> None:
        target = await self._directory.target(ctx.workspace_id, ctx.input["model"])
        async with self._database.unit(ctx.scope) as session:
            if ctx.subject_id is None:
                return
            branch = await messages_crud.branch(
                session, ctx.workspace_id, ctx.subject_id, UUID(ctx.input["message_id"])
            )
            request = _title_request(target.model, [m for m in branch if m.text][:2])
            await ledger.settle_interrupted(session, ctx.workspace_id, ctx.run_id, "")
            caller = ledger.Caller(ctx.workspace_id, ctx.user_id, ctx.executor_id, KIND, ctx.run_id)
            call_id = await ledger.open_call(session, caller, target, request)
        call = self._calls[ctx.run_id] = TitleCall(call_id)
        answer = await target.endpoint.provider.complete(request)
        call.title, call.usage = shorten(answer.text), answer.usage

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        call = self._calls.get(ctx.run_id)
        on_commit(session, lambda: self._calls.pop(ctx.run_id, None))
        title = call.title if call and ending.status == "completed" else ""
        if call:
            outcome = outcome_of(ending, call.usage)
            await ledger.settle_call(session, ctx.workspace_id, call.id, outcome)
        else:
            await ledger.settle_interrupted(session, ctx.workspace_id, ctx.run_id, "")
        if ctx.subject_id and title:
            conversation = await conversations_crud.get(
                session, ctx.workspace_id, ctx.subject_id, for_update=True
            )
            if conversation and conversation.title_source in ("none", "fallback"):
                conversation.title, conversation.title_source = title, "model"
        total = await ledger.total_of_run(session, ctx.workspace_id, ctx.run_id)
        return Settlement({"title": title}, total.input_tokens, total.output_tokens, total.cost_usd)


def _title_request(model: str, said: Sequence[Message]) -> ChatRequest:
    """The first question and its answer, and the wish for a title."""
    return ChatRequest(
        model=model,
        messages=(
            PromptMessage("system", (TextPart(TITLE_PROMPT),)),
            *(
                PromptMessage(
                    "user" if message.role == "user" else "assistant",
                    (TextPart(message.text[:MAX_QUOTED]),),
                )
                for message in said
            ),
            PromptMessage("user", (TextPart(TITLE_PROMPT),)),
        ),
    )
