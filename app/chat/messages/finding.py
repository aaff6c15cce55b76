"""Messages as what searches find: whose they are, and how they come to be found."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.chat.conversations import crud as conversations
from app.chat.messages import crud
from app.chat.messages.models import Message
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.knowledge.passages import service as passages
from app.knowledge.passages.draft import Draft, Subject
from app.knowledge.passages.indexer import JOB as EMBEDDING
from app.knowledge.passages.sources import Source
from app.knowledge.vectors.index import Reach

KIND: Final = "message"
AT_ONCE: Final = 100


class MessageSource(Source):
    """One's own messages, and those of conversations that are shared with one."""

    kind = KIND

    async def reach(self, session: AsyncSession, access: Access) -> Reach | None:
        if Permission.CONVERSATIONS_READ not in access.permissions:
            return None
        shared = await conversations.shared_ids(session, access.workspace_id, access.user_id)
        return Reach(KIND, parents=tuple(shared), owner=access.user_id)

    async def visible(
        self, session: AsyncSession, access: Access, subject_ids: Sequence[UUID]
    ) -> set[UUID]:
        return await crud.visible_to(session, access.workspace_id, access.user_id, subject_ids)


def finding_job(kernel: Kernel) -> Job:
    """Has new messages found: beside the turns, so that no answer waits for it."""

    async def run() -> None:
        while await _take_up_some(kernel) == AT_ONCE:
            kernel.nudge(EMBEDDING)
        kernel.nudge(EMBEDDING)

    return Job("messages", timedelta(seconds=15), run)


async def _take_up_some(kernel: Kernel) -> int:
    async with kernel.database.unit(SYSTEM) as session:
        messages = await crud.waiting_to_be_found(session, AT_ONCE)
        owners = await crud.owners(session, [message.conversation_id for message in messages])
        for message in messages:
            owner = owners[message.conversation_id]
            await passages.put(session, _subject(message, owner), _drafts(message))
            message.indexed_at = now()
    return len(messages)


def _subject(message: Message, owner: UUID) -> Subject:
    return Subject(
        message.workspace_id,
        KIND,
        message.id,
        created_by_id=owner,
        parent_id=message.conversation_id,
        user_id=owner,
    )


def _drafts(message: Message) -> list[Draft]:
    locator = {"role": message.role}
    return [Draft(piece, locator=locator) for piece in pieces(message.text)]


def pieces(text: str, most: int = 1000) -> list[str]:
    """A text in pieces of at most so many characters, cut where paragraphs or sentences end."""
    found: list[str] = []
    rest = text.strip()
    while len(rest) > most:
        ends = (rest.rfind(end, most // 2, most) for end in ("\n\n", "\n", ". ", " "))
        cut = next((at + 1 for at in ends if at >= 0), most)
        found.append(rest[:cut].strip())
        rest = rest[cut:].lstrip()
    return [piece for piece in (*found, rest) if piece]
