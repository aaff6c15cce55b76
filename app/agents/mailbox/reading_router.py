"""/v1/mailboxes/{address}: leasing, acknowledging, awaiting answers, dead letters."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Query

from app.agents.mailbox import reading
from app.agents.mailbox.edge import MailroomDep, Reader, Writer
from app.agents.mailbox.errors import (
    MailboxFull,
    MailboxMessageNotFound,
    MailboxNotFound,
    MailboxNotYours,
    NotDead,
    ReplyPending,
    RequestDead,
)
from app.agents.mailbox.lease_schemas import (
    AckRequest,
    AwaitReply,
    ExtendRequest,
    LeasedMessages,
    LeaseRequest,
    NackRequest,
    Redriven,
    RedriveRequest,
    leased,
)
from app.agents.mailbox.message_schemas import DeadLetterQuery, MailboxMessageRead
from app.agents.mailbox.models import MailboxMessage
from app.core.bulk import BulkResult
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.rails import RailsDep
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page

router = guarded_router(prefix="/v1/mailboxes/{address}", tag="mailboxes")


async def wait_for_mail(
    access: Writer, room: MailroomDep, rails: RailsDep, address: str, wanted: LeaseRequest
) -> LeaseRequest:
    """Before the transaction: nobody holds a connection while there is no mail."""
    if wanted.wait_seconds and not rails.dry_run:
        await room.until_due(access, address, wanted.wait_seconds)
    return wanted


async def wait_for_reply(
    access: Writer, room: MailroomDep, rails: RailsDep, address: str, wanted: AwaitReply
) -> AwaitReply:
    """The same for the answer to a message."""
    if wanted.wait_seconds and not rails.dry_run:
        await reading.until_answered(room, access, address, wanted.message_id, wanted.wait_seconds)
    return wanted


@router.post(
    "/lease",
    operation_id="mailbox_messages_lease",
    summary="Take messages to work on, waiting for the first one if need be",
    description=(
        "The most urgent first, and of each sender one at a time, in the order in which they were "
        "sent. A message is delivered again unless it is acknowledged while the lease lasts."
    ),
    response_model=LeasedMessages,
    responses=problems(MailboxNotFound, MailboxNotYours),
)
async def lease_messages(
    access: Writer,
    room: MailroomDep,
    address: str,
    wanted: Annotated[LeaseRequest, Depends(wait_for_mail)],
    session: Session,
) -> LeasedMessages:
    return leased(await reading.lease(session, room, access, address, wanted))


@router.post(
    "/ack",
    operation_id="mailbox_messages_ack",
    summary="Acknowledge messages: they were taken care of",
    response_model=BulkResult,
    responses=problems(MailboxNotFound, MailboxNotYours),
)
async def ack_messages(
    access: Writer, session: Session, room: MailroomDep, address: str, done: AckRequest
) -> BulkResult:
    return await reading.ack(session, room, access, address, done.receipts)


@router.post(
    "/nack",
    operation_id="mailbox_messages_nack",
    summary="Give messages back, to be delivered again or to be dead letters",
    response_model=BulkResult,
    responses=problems(MailboxNotFound, MailboxNotYours),
)
async def nack_messages(
    access: Writer, session: Session, room: MailroomDep, address: str, given: NackRequest
) -> BulkResult:
    return await reading.nack(session, room, access, address, given)


@router.post(
    "/extend",
    operation_id="mailbox_messages_extend",
    summary="Keep leased messages for longer",
    response_model=BulkResult,
    responses=problems(MailboxNotFound, MailboxNotYours),
)
async def extend_leases(
    access: Writer, session: Session, room: MailroomDep, address: str, wanted: ExtendRequest
) -> BulkResult:
    lease_for = timedelta(seconds=wanted.lease_seconds)
    return await reading.extend(session, room, access, address, wanted.receipts, lease_for)


@router.post(
    "/await-reply",
    operation_id="mailbox_messages_await",
    summary="Take the answer to a message that named this mailbox for it",
    description="It is acknowledged with that, and given again to whoever asks again.",
    response_model=MailboxMessageRead,
    responses=problems(
        MailboxNotFound, MailboxNotYours, MailboxMessageNotFound, ReplyPending, RequestDead
    ),
)
async def await_reply(
    access: Writer,
    room: MailroomDep,
    address: str,
    wanted: Annotated[AwaitReply, Depends(wait_for_reply)],
    session: Session,
) -> MailboxMessage:
    return await reading.take_reply(session, room, access, address, wanted.message_id)


@router.get(
    "/dead",
    operation_id="mailbox_messages_dead",
    summary="List a mailbox's dead letters, newest first",
    description="They are kept for 30 days; `dead_reason` says why each one died.",
    response_model=Page[MailboxMessageRead],
    responses=problems(MailboxNotFound, MailboxNotYours, CursorInvalid),
)
async def list_dead(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    room: MailroomDep,
    address: str,
    query: Annotated[DeadLetterQuery, Query()],
) -> object:
    return await reading.dead(session, room, access, address, query, kernel.cursors)


@router.post(
    "/redrive",
    operation_id="mailbox_messages_redrive",
    summary="Let dead letters wait again",
    response_model=Redriven,
    responses=problems(MailboxNotFound, MailboxNotYours, NotDead, MailboxFull),
)
async def redrive_dead(
    access: Writer, session: Session, room: MailroomDep, address: str, wanted: RedriveRequest
) -> Redriven:
    return Redriven(redriven=await reading.redrive(session, room, access, address, wanted))
