"""/v1/mailboxes: the mailboxes, and sending to them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.agents.mailbox import reading, sending, service
from app.agents.mailbox.edge import MailroomDep, Reader, Writer
from app.agents.mailbox.errors import (
    GroupTooLarge,
    HopLimitReached,
    LeaseLost,
    MailboxExists,
    MailboxFull,
    MailboxMessageNotFound,
    MailboxNotFound,
    MailboxNotYours,
    NoRecipients,
    NoReplyWanted,
    ReplyAddressUnknown,
    SenderUnknown,
    TooManyMailboxes,
)
from app.agents.mailbox.message_schemas import (
    MailboxBroadcast,
    MailboxMessageCreate,
    MailboxMessageQuery,
    MailboxMessageRead,
    MailboxReply,
    MailboxSent,
)
from app.agents.mailbox.models import Mailbox, MailboxMessage
from app.agents.mailbox.schemas import MailboxCreate, MailboxQuery, MailboxRead, MailboxUpdate
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page

router = guarded_router(prefix="/v1/mailboxes", tag="mailboxes")


@router.get(
    "",
    operation_id="mailboxes_list",
    summary="List mailboxes with how much waits in them, newest first",
    response_model=Page[MailboxRead],
    responses=problems(CursorInvalid),
)
async def list_mailboxes(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[MailboxQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="mailboxes_create",
    summary="Make a mailbox",
    description=(
        "A service needs one; an agent or a member has one as soon as something is sent to it."
    ),
    status_code=201,
    response_model=MailboxRead,
    responses=problems(MailboxNotFound, MailboxNotYours, MailboxExists, TooManyMailboxes),
)
async def create_mailbox(
    access: Writer, session: Session, room: MailroomDep, new: MailboxCreate, response: Response
) -> Mailbox:
    made = await service.create(session, room, access, new)
    response.headers["Location"] = f"/v1/mailboxes/{made.address}"
    return made


@router.post(
    "/broadcast",
    operation_id="mailboxes_broadcast",
    summary="Send a message to every mailbox of a group",
    description="Each gets a copy of its own; a full mailbox refuses its copy, and the others not.",
    response_model=MailboxSent,
    responses=problems(
        NoRecipients, SenderUnknown, ReplyAddressUnknown, GroupTooLarge, HopLimitReached
    ),
)
async def broadcast_message(
    access: Writer, session: Session, room: MailroomDep, new: MailboxBroadcast
) -> MailboxSent:
    post = await sending.post_of(session, room, access, new)
    return await sending.broadcast(session, room, access, post, new.tag)


@router.get(
    "/{address}",
    operation_id="mailboxes_get",
    summary="Show a mailbox with how much waits in it",
    response_model=MailboxRead,
    responses=problems(MailboxNotFound, MailboxNotYours),
)
async def get_mailbox(access: Reader, session: Session, room: MailroomDep, address: str) -> Mailbox:
    return await service.show(session, room, access, address)


@router.patch(
    "/{address}",
    operation_id="mailboxes_update",
    summary="Change a mailbox's groups and bounds",
    response_model=MailboxRead,
    responses=problems(MailboxNotFound, MailboxNotYours),
)
async def update_mailbox(
    access: Writer, session: Session, room: MailroomDep, address: str, change: MailboxUpdate
) -> Mailbox:
    return await service.update(session, room, access, address, change)


@router.delete(
    "/{address}",
    operation_id="mailboxes_delete",
    summary="Delete a mailbox; it can be restored for 30 days, with its messages",
    status_code=204,
    responses=problems(MailboxNotFound, MailboxNotYours),
)
async def delete_mailbox(access: Writer, session: Session, room: MailroomDep, address: str) -> None:
    await service.delete(session, room, access, address)


@router.post(
    "/{address}/restore",
    operation_id="mailboxes_restore",
    summary="Bring a deleted mailbox back",
    response_model=MailboxRead,
    responses=problems(MailboxNotFound, MailboxNotYours, RestoreExpired),
)
async def restore_mailbox(
    access: Writer, session: Session, room: MailroomDep, address: str
) -> Mailbox:
    return await service.restore(session, room, access, address)


@router.get(
    "/{address}/messages",
    operation_id="mailbox_messages_list",
    summary="List a mailbox's messages, newest first",
    description="Looking at a message does not deliver it. What was acknowledged is kept 7 days.",
    response_model=Page[MailboxMessageRead],
    responses=problems(MailboxNotFound, MailboxNotYours, CursorInvalid),
)
async def list_messages(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    room: MailroomDep,
    address: str,
    query: Annotated[MailboxMessageQuery, Query()],
) -> object:
    return await reading.page(session, room, access, address, query, kernel.cursors)


@router.post(
    "/{address}/messages",
    operation_id="mailbox_messages_create",
    summary="Send a message",
    description="Rules may lead it elsewhere; `deliveries` says where it came to.",
    response_model=MailboxSent,
    responses=problems(
        MailboxNotFound,
        MailboxFull,
        SenderUnknown,
        ReplyAddressUnknown,
        GroupTooLarge,
        HopLimitReached,
    ),
)
async def send_message(
    access: Writer,
    session: Session,
    room: MailroomDep,
    address: str,
    new: MailboxMessageCreate,
) -> MailboxSent:
    post = await sending.post_of(session, room, access, new)
    return await sending.send(session, room, access, post, address)


@router.get(
    "/{address}/messages/{mailbox_message_id}",
    operation_id="mailbox_messages_get",
    summary="Show a message",
    response_model=MailboxMessageRead,
    responses=problems(MailboxNotFound, MailboxNotYours, MailboxMessageNotFound),
)
async def get_message(
    access: Reader, session: Session, room: MailroomDep, address: str, mailbox_message_id: UUID
) -> MailboxMessage:
    return (await reading.find(session, room, access, address, mailbox_message_id))[1]


@router.post(
    "/{address}/messages/{mailbox_message_id}/reply",
    operation_id="mailbox_messages_reply",
    summary="Answer a message",
    description=(
        "The answer goes where the message asks for it, once; with the `receipt` of the lease the "
        "message is acknowledged in the same transaction."
    ),
    response_model=MailboxSent,
    responses=problems(
        MailboxNotFound,
        MailboxNotYours,
        MailboxMessageNotFound,
        NoReplyWanted,
        LeaseLost,
        MailboxFull,
        GroupTooLarge,
        HopLimitReached,
    ),
)
async def reply_message(
    access: Writer,
    session: Session,
    room: MailroomDep,
    address: str,
    mailbox_message_id: UUID,
    said: MailboxReply,
) -> MailboxSent:
    return await reading.answer(session, room, access, (address, mailbox_message_id), said)
