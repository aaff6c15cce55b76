"""/v1/conversations/{conversation_id}/shares, and /v1/shared-links."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query, Response

from app.chat.conversations import service as conversations
from app.chat.conversations.crud import SHARED_AS
from app.chat.conversations.errors import ConversationNotFound
from app.chat.conversations.models import Conversation
from app.chat.sharing import service
from app.chat.sharing.schemas import SharedConversation, SharedMessage
from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, public, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.identity.link_tokens import MOST_CHARACTERS
from app.identity.roles.errors import RoleUnknown
from app.identity.sharing import service as sharing
from app.identity.sharing.errors import (
    AlreadyShared,
    NotYours,
    SharedLinkNotFound,
    ShareInvalid,
    ShareNotFound,
)
from app.identity.sharing.models import Share
from app.identity.sharing.schemas import ShareCreate, ShareCreated, ShareRead, ShareUpdate
from app.identity.sharing.service import Shareable

Reader = Annotated[Access, require(Permission.SHARES_READ, Permission.CONVERSATIONS_READ)]
Writer = Annotated[Access, require(Permission.SHARES_WRITE, Permission.CONVERSATIONS_READ)]
Token = Annotated[
    str,
    Header(
        alias="X-Share-Token",
        min_length=1,
        max_length=MOST_CHARACTERS,
        description="The token of the link.",
    ),
]

router = guarded_router(prefix="/v1/conversations/{conversation_id}/shares", tag="shares")
links = guarded_router(prefix="/v1/shared-links/conversation", tag="shares")


async def _own(access: Reader, session: Session, conversation_id: UUID) -> Shareable:
    """The conversation of the path, which must be the caller's own."""
    found = await conversations.get(session, access, conversation_id, to="own")
    return Shareable(SHARED_AS, found.id)


async def _own_to_share(access: Writer, session: Session, conversation_id: UUID) -> Shareable:
    found = await conversations.get(session, access, conversation_id, to="own")
    return Shareable(SHARED_AS, found.id)


Own = Annotated[Shareable, Depends(_own, scope="function")]
OwnToShare = Annotated[Shareable, Depends(_own_to_share, scope="function")]


@router.get(
    "",
    operation_id="shares_list",
    summary="List whom a conversation is shared with, newest first",
    response_model=Page[ShareRead],
    responses=problems(ConversationNotFound, NotYours, CursorInvalid),
)
async def list_shares(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    resource: Own,
    query: Annotated[PageQuery, Query()],
) -> object:
    return await sharing.page(session, access, resource, query, kernel.cursors)


@router.post(
    "",
    operation_id="shares_create",
    summary="Share a conversation",
    description=(
        "With a member, with everyone who has a role, or with whoever holds a link: that shows "
        "the title and the branch that is current, and nothing else."
    ),
    status_code=201,
    responses=problems(ConversationNotFound, NotYours, ShareInvalid, RoleUnknown, AlreadyShared),
)
async def create_share(
    body: ShareCreate,
    access: Writer,
    session: Session,
    resource: OwnToShare,
    response: Response,
) -> ShareCreated:
    made, token = await sharing.create(session, access, resource, body)
    response.headers["Location"] = f"/v1/conversations/{resource.id}/shares/{made.id}"
    response.headers["Cache-Control"] = "no-store"
    return ShareCreated(**ShareRead.model_validate(made).model_dump(), token=token)


@router.get(
    "/{share_id}",
    operation_id="shares_get",
    summary="Show a share",
    response_model=ShareRead,
    responses=problems(ConversationNotFound, NotYours, ShareNotFound),
)
async def get_share(share_id: UUID, access: Reader, session: Session, resource: Own) -> Share:
    return await sharing.get(session, access, resource, share_id)


@router.patch(
    "/{share_id}",
    operation_id="shares_update",
    summary="Change a share's level or end",
    response_model=ShareRead,
    responses=problems(ConversationNotFound, NotYours, ShareNotFound, ShareInvalid),
)
async def update_share(
    share_id: UUID, body: ShareUpdate, access: Writer, session: Session, resource: OwnToShare
) -> Share:
    return await sharing.update(session, access, resource, share_id, body)


@router.delete(
    "/{share_id}",
    operation_id="shares_delete",
    summary="Stop sharing",
    description="At once and for good; a link of it leads nowhere from then on.",
    status_code=204,
    responses=problems(ConversationNotFound, NotYours, ShareNotFound),
)
async def delete_share(
    share_id: UUID, access: Writer, session: Session, resource: OwnToShare
) -> None:
    await sharing.revoke(session, access, resource, share_id)


@links.get(
    "",
    operation_id="shared_conversations_get",
    summary="Show the conversation that a public link leads to",
    dependencies=[public],
    response_model=SharedConversation,
    responses=problems(SharedLinkNotFound),
)
async def get_shared_conversation(kernel: KernelDep, token: Token) -> Conversation:
    return await service.read(kernel.database, token)


@links.get(
    "/messages",
    operation_id="shared_messages_list",
    summary="List the messages that a public link leads to, oldest first",
    dependencies=[public],
    response_model=Page[SharedMessage],
    responses=problems(SharedLinkNotFound, CursorInvalid),
)
async def list_shared_messages(
    kernel: KernelDep, token: Token, query: Annotated[PageQuery, Query()]
) -> object:
    return await service.page(kernel.database, token, query, kernel.cursors)
