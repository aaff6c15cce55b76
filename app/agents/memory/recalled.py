"""A recall as it is told to clients."""

from app.agents.memory.ranking import LeftOut, Recalled, Shown
from app.agents.memory.recalling import Recalling
from app.agents.memory.schemas import RecallCreate
from app.agents.memory.schemas_read import LeftOutMemory, RecalledMemory, RecallRead
from app.core.auth import Access


async def recall(recalling: Recalling, access: Access, wanted: RecallCreate) -> RecallRead:
    """Raises AgentNotFound."""
    found = await recalling.recall(
        access, wanted.scopes, wanted.agent_id, wanted.question, wanted.tokens, at=wanted.at
    )
    return told(found)


def told(found: Recalled) -> RecallRead:
    return RecallRead(
        shown=[shown(each) for each in found.shown],
        left_out=[left_out(each) for each in found.left_out],
        tokens=found.tokens,
        prompt=found.prompt,
        warnings=list(found.warnings),
    )


def shown(each: Shown) -> RecalledMemory:
    memory = each.memory
    return RecalledMemory(
        id=memory.id,
        scope=memory.scope,
        kind=memory.kind,
        text=memory.text,
        score=each.score,
        relevance=each.relevance,
        recency=each.recency,
        confidence=memory.confidence,
        tokens=each.tokens,
    )


def left_out(each: LeftOut) -> LeftOutMemory:
    memory = each.memory
    return LeftOutMemory(id=memory.id, text=memory.text, reason=each.reason, score=each.score)
