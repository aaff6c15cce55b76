"""What a turn draws on, and what its run keeps of it for a process that goes on with it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.agents.context.composing import CONTEXT, Composed, Sources
from app.agents.definitions.definition import Compaction, MemoryUse
from app.agents.runtime.work import access_kept
from app.chat.conversations import service as conversations
from app.chat.conversations.models import Conversation
from app.chat.conversations.schemas import ConversationMemory
from app.chat.messages.models import Message
from app.chat.turns.asking import Asked
from app.chat.turns.context import history_of
from app.chat.turns.grounded import grounding_of
from app.chat.turns.schemas import ChatCreate, TurnCreate
from app.core.auth import Access
from app.runs.runs.context import RunContext

# Sections that are of the history, and change while a turn is prepared.
OF_HISTORY = ("summary", "conversation")


def memory_of(
    access: Access, conversation: Conversation, new: ChatCreate | TurnCreate
) -> ConversationMemory | None:
    """What the turn draws on of what is remembered, by its own word or by its conversation's.

    The word of a conversation's owner does not hold for the memories of others who take part.
    """
    if isinstance(new, TurnCreate) and "memory" in new.model_fields_set:
        return new.memory
    if conversation.memory is None:
        return None
    kept = ConversationMemory.model_validate(conversation.memory)
    if conversation.user_id == access.user_id:
        return kept
    scopes = [each for each in kept.scopes if each != "user"]
    return kept.model_copy(update={"scopes": scopes, "extract": False})


def sources_of(conversation: Conversation, memory: ConversationMemory | None) -> Sources:
    use = None if memory is None else MemoryUse.model_validate(memory.model_dump())
    return Sources(
        conversation.instructions,
        conversations.ids_of(conversation.collections) or (),
        conversations.ids_of(conversation.dictionaries),
        use,
    )


def compaction_of(stored: dict[str, Any] | None) -> Compaction:
    return Compaction() if stored is None else Compaction.model_validate(stored)


def kept_of(access: Access, asked: Asked, context: dict[str, Any]) -> dict[str, Any]:
    """What another process needs to go on with the same."""
    composed, compaction = asked.composed, asked.history.compaction
    grounding = composed.grounding
    kept: dict[str, Any] = {CONTEXT: context}
    if grounding.prompt or grounding.enforcement.held:
        kept["grounding"] = grounding.stored()
    if composed.remembered:
        kept["remembered"] = composed.remembered
    warned = [asdict(each) for each in grounding.warnings]
    warned += [each | {"step": "memory"} for each in composed.warnings if each["code"] == "memory"]
    if warned:
        kept["ungrounded"] = warned
    if asked.extract:
        kept["extract"] = True
    if compaction != Compaction():
        kept["compaction"] = compaction.model_dump(mode="json")
    if asked.extract or compaction.kind == "summary":
        kept |= access_kept(access)
    return kept


def asked_again(ctx: RunContext, conversation: Conversation, branch: Sequence[Message]) -> Asked:
    """What `kept_of` made: an answer that was begun goes on with what it was begun with."""
    grounding, remembered = grounding_of(ctx), ctx.input.get("remembered", "")
    context: dict[str, Any] = ctx.input.get(CONTEXT) or {}
    own = context.get("instructions", conversation.instructions)
    composed = Composed(
        "\n\n".join(part for part in (own, remembered, grounding.prompt) if part),
        remembered,
        grounding,
        *(
            tuple(each for each in context.get(name, ()) if each["section"] not in OF_HISTORY)
            for name in ("sections", "left_out")
        ),
    )
    history = history_of(branch, compaction_of(ctx.input.get("compaction")))
    return Asked(own, composed, branch, history, ctx.input["parameters"], ctx.text_so_far)
