"""Titles: the first words at once, and a better one from the model soon after."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.chat.conversations.models import Conversation
from app.chat.messages import crud as messages_crud
from app.chat.messages.models import Message
from app.chat.turns.lost import order_of_lost
from app.core import restorable
from app.core.db import AsyncSession, Database, on_commit
from app.inference.calls.calls import Calls
from app.inference.calls.course import Course
from app.inference.calls.totals import Total, total_of
from app.inference.integrations.directory import Target
from app.inference.providers.types import TITLE_PROMPT, ChatRequest, TextPart
from app.inference.providers.types import Message as PromptMessage
from app.inference.routing.plan import Question
from app.inference.usage.service import estimate_text
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


async def ask_for(
    session: AsyncSession, ctx: RunContext, conversation: Conversation, model: str
) -> None:
    """Have the model write a title, in a run of its own once this one is over."""
    run = await runs.create(
        session,
        ctx,
        executor_id=ctx.executor_id,
        kind=KIND,
        subject_id=conversation.id,
        input={
            "model": model,
            "message_id": ctx.input["answer_id"],
            "api_key_id": ctx.input.get("api_key_id"),
            "tags": ctx.input.get("tags", []),
            "customer": ctx.input.get("customer"),
        },
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
    """What this process knows of the title that it is having written."""

    course: Course
    title: str = ""


class Titling:
    """Asks the model that answered for a title."""

    kind = KIND

    def __init__(self, database: Database, calls: Calls) -> None:
        self._database = database
        self._calls = calls
        self._titles: dict[UUID, TitleCall] = {}

    async def run(self, ctx: RunContext) -> None:
        if ctx.subject_id is None:
            return
        async with self._database.unit(ctx.scope) as session:
            branch = await messages_crud.branch(
                session, ctx.workspace_id, ctx.subject_id, UUID(ctx.input["message_id"])
            )
        said = [message for message in branch if message.text][:2]

        def build(target: Target) -> ChatRequest:
            return _title_request(target.model, said)

        tokens = sum(estimate_text(message.text[:MAX_QUOTED]) for message in said)
        question = Question(ctx.input["model"], tokens, explored=False)
        grant = await self._calls.admit(order_of_lost(ctx, question, KIND))
        telling = self._calls.telling(grant, build)
        call = self._titles[ctx.run_id] = TitleCall(telling.course)
        call.title = shorten((await telling.complete()).text)

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        call = self._titles.get(ctx.run_id)
        on_commit(session, lambda: self._titles.pop(ctx.run_id, None))
        title = call.title if call and ending.status == "completed" else ""
        if ctx.subject_id and title:
            conversation = await restorable.find(
                session, Conversation, ctx.workspace_id, ctx.subject_id, for_update=True
            )
            if conversation and conversation.title_source in ("none", "fallback"):
                conversation.title, conversation.title_source = title, "model"
        total = total_of(call.course.calls) if call else Total()
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
