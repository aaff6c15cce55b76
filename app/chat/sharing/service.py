"""Reading a conversation through a public link."""

from app.chat.conversations.crud import SHARED_AS
from app.chat.conversations.models import Conversation
from app.chat.messages import crud as messages
from app.chat.messages.models import Message
from app.chat.sharing.schemas import SharedMessage
from app.core import restorable
from app.core.db import AsyncSession, Database
from app.core.paging import Cursors, PageQuery, Slice
from app.identity.sharing.errors import SharedLinkNotFound
from app.identity.sharing.service import Opened, open_link

SHOWN = ("text", "image")


async def read(database: Database, token: str) -> Conversation:
    """What a link leads to; raises SharedLinkNotFound."""
    opened = await open_link(database, SHARED_AS, token)
    async with database.unit(opened.scope) as session:
        return await _conversation(session, opened)


async def page(
    database: Database, token: str, query: PageQuery, cursors: Cursors
) -> Slice[SharedMessage]:
    """The messages of the branch that is shown, oldest first; raises SharedLinkNotFound."""
    opened = await open_link(database, SHARED_AS, token)
    async with database.unit(opened.scope) as session:
        found = await _conversation(session, opened)
        leaf = found.current_message_id
        if leaf is None:
            total = 0 if query.include == "total" else None
            return Slice([], has_more=False, next_cursor=None, total=total)
        rows = await messages.page(session, opened.workspace_id, found.id, leaf, query, cursors)
    return rows.map(_shown)


async def _conversation(session: AsyncSession, opened: Opened) -> Conversation:
    found = await restorable.find(session, Conversation, opened.workspace_id, opened.resource_id)
    if found is None or found.deleted_at is not None:
        raise SharedLinkNotFound("It leads to nothing any more.")
    return found


def _shown(message: Message) -> SharedMessage:
    said = [part for part in message.parts if part["type"] in SHOWN]
    return SharedMessage.model_validate(
        {
            "id": message.id,
            "role": message.role,
            "status": message.status,
            "parts": said,
            "created_at": message.created_at,
        }
    )
