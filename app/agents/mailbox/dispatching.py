"""Agents that answer their mail: each message is a run, begun once however often we die.

A message is leased and the id of its run written down in one transaction; only then is the run
begun. Whoever takes the message up after a death finds the id, and waits for that run. A run that
failed is tried again with an id of its own, until the message is a dead letter.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import orjson
from sqlalchemy.exc import SQLAlchemyError

from app.agents.mailbox import budgets, crud, queue_crud, reading, sending, subscriptions
from app.agents.mailbox.answering import Answer, Launcher, Wanted
from app.agents.mailbox.errors import MailboxFull
from app.agents.mailbox.message_schemas import MOST_CONTENT
from app.agents.mailbox.models import Mailbox, MailboxMessage, MailboxSubscription
from app.agents.mailbox.room import Mailroom
from app.agents.mailbox.waking import DISPATCH
from app.core.auth import Access
from app.core.causes import count_behind
from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession
from app.core.errors import AppError
from app.core.jobs import Job
from app.core.log import get_logger
from app.core.tasks import stop_tasks

log = get_logger(__name__)

BACKOFF: Final = timedelta(seconds=5)
LONGEST_BACKOFF: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a lease lasts, and after what time a run that waits for a person is looked at."""

    lease: timedelta = timedelta(seconds=60)
    parked: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class InHand:
    """A message that this process has leased for an agent."""

    access: Access
    subscription_id: UUID
    mailbox: Mailbox
    message: MailboxMessage
    receipt: UUID
    wanted: Wanted


class Dispatcher:
    """The answers that are under way in this process."""

    def __init__(self, room: Mailroom, launcher: Launcher, pace: Pace | None = None) -> None:
        self._room = room
        self._launcher = launcher
        self._pace = pace or Pace()
        self._answers: set[asyncio.Task[None]] = set()
        self._database = room.kernel.database
        self._unit = self._database.unit

    def job(self) -> Job:
        return Job(DISPATCH, timedelta(seconds=2), self.look)

    async def close(self) -> None:
        """Stop waiting; runs go on, and whoever takes their messages up finds them."""
        await stop_tasks(set(self._answers))

    async def look(self) -> None:
        """Take up what waits for agents; one message that cannot be is no reason to stop."""
        for workspace_id, subscription_id in await crud.subscribed(self._database, now()):
            try:
                hands = await self._take_up(workspace_id, subscription_id)
            except Exception as error:  # noqa: BLE001 - the others' mail is answered all the same
                log.warning(
                    "mail_not_taken_up", subscription_id=str(subscription_id), reason=repr(error)
                )
                continue
            for hand in hands:
                task = asyncio.create_task(self._answer(hand), name=f"mail {hand.message.id}")
                self._answers.add(task)
                task.add_done_callback(self._answers.discard)

    async def _take_up(self, workspace_id: UUID, subscription_id: UUID) -> list[InHand]:
        """Lease what the subscription has room and money for; the ids of runs are kept with it."""
        async with self._unit(SYSTEM) as session:
            held = await crud.hold_subscription(session, workspace_id, subscription_id, skip=True)
            if held is None or held.paused:
                return []
            try:
                access = await subscriptions.acting(session, held)
            except AppError as error:
                held.paused, held.paused_reason = True, error.code
                return []
            mailbox = (await crud.lock(session, workspace_id, [held.mailbox_id])).get(
                held.mailbox_id
            )
            if mailbox is None:
                return []
            return await self._leased(session, access, held, mailbox)

    async def _leased(
        self,
        session: AsyncSession,
        access: Access,
        held: MailboxSubscription,
        mailbox: Mailbox,
    ) -> list[InHand]:
        at = now()
        running, reserved = await queue_crud.in_hand(session, held.workspace_id, mailbox.id, at)
        places = held.concurrency - running
        share = budgets.share(held, reserved, places, at.date())
        if places < 1 or (share is not None and share <= 0):
            return []
        taken = await queue_crud.lease(
            session,
            held.workspace_id,
            mailbox,
            most=places,
            at=at,
            until=at + self._pace.lease,
        )
        hands = []
        for message in taken:
            if message.run_id is None:
                message.run_id = uuid5(message.id, str(message.deliveries))
                message.reserved_usd = share
            hands.append(_in_hand(access, held, mailbox, message))
        await session.flush()
        return hands

    async def _answer(self, hand: InHand) -> None:
        """Have the run done, and its answer sent; both count as done by what sent the message."""
        count_behind(hand.message.runs_behind)
        keeping = asyncio.create_task(self._keep(hand, asyncio.current_task()))
        try:
            try:
                answer = await self._run(hand)
            finally:
                await stop_tasks([keeping])
            await self._settle(hand, answer)
        except Exception as error:  # noqa: BLE001 - the lease ends, and it is tried again
            log.warning("mail_not_answered", message_id=str(hand.message.id), reason=repr(error))

    async def _run(self, hand: InHand) -> Answer:
        try:
            await self._launcher.start(hand.access, hand.wanted)
            return await self._launcher.finished(hand.access, hand.wanted.run_id)
        except AppError as error:
            return Answer("failed", error=f"{error.code}: {error.detail}")

    async def _keep(self, hand: InHand, answering: asyncio.Task[None] | None) -> None:
        """Renew the lease; where it was lost, somebody else has the message."""
        while True:
            await asyncio.sleep(self._pace.lease.total_seconds() / 3)
            with contextlib.suppress(OSError, SQLAlchemyError):
                async with self._unit(hand.access.scope) as session:
                    message = await self._still(session, hand)
                    if message is None:
                        break
                    message.leased_until = now() + self._pace.lease
        if answering is not None:
            answering.cancel()

    async def _settle(self, hand: InHand, answer: Answer) -> None:
        """Write down what came of it, the answer included, in one transaction."""
        async with self._unit(SYSTEM) as session:
            held = await crud.hold_subscription(
                session, hand.access.workspace_id, hand.subscription_id, skip=False
            )
            message = await self._still(session, hand)
            if message is None:
                return
            if answer.status == "paused":
                self._put_back(message, self._pace.parked)
                return
            if answer.status == "completed" and not await self._sent(session, hand, answer):
                self._put_back(message, self._pace.parked)
                return
            if held is not None:
                budgets.spend(held, answer.cost_usd, now().date())
            if answer.status == "completed":
                message.last_error = None
                await reading.acknowledge(session, hand.mailbox, hand.receipt)
            else:
                reading.return_message(
                    message, hand.mailbox, _backoff(message.deliveries), answer.error
                )
            self._room.bell.ring(session, [hand.mailbox])

    async def _sent(self, session: AsyncSession, hand: InHand, answer: Answer) -> bool:
        """Send the answer to whoever wants one; False where it must be tried again later."""
        message = hand.message
        if message.reply_to is None:
            return True
        said = _sayable(answer.output, hand.wanted.run_id)
        post = sending.Post(hand.mailbox.address, said, "reply", priority=message.priority)
        try:
            async with session.begin_nested():
                await sending.reply(session, self._room, hand.access, message, post)
        except MailboxFull:
            return False
        except AppError as error:
            log.info("reply_not_sent", message_id=str(message.id), reason=error.code)
        return True

    async def _still(self, session: AsyncSession, hand: InHand) -> MailboxMessage | None:
        """The message, locked, while it is leased to us."""
        message = await queue_crud.leased(
            session, hand.access.workspace_id, hand.mailbox.id, hand.receipt
        )
        return message if message is not None and message.status == "waiting" else None

    def _put_back(self, message: MailboxMessage, delay: timedelta) -> None:
        """Look at its run again after a while; that is no delivery."""
        message.lease_id, message.leased_until = None, None
        message.deliveries -= 1
        message.available_at = now() + delay


def _in_hand(
    access: Access, held: MailboxSubscription, mailbox: Mailbox, message: MailboxMessage
) -> InHand:
    if message.run_id is None or message.lease_id is None:
        raise RuntimeError("a message is in hand once it is leased and its run is named")
    wanted = Wanted(
        run_id=message.run_id,
        agent_id=held.agent_id,
        label=held.label,
        input=_told(message),
        budget_usd=message.reserved_usd,
        metadata={"mailbox_message_id": str(message.id), "sender": message.sender},
    )
    return InHand(access, held.id, mailbox, message, message.lease_id, wanted)


def _sayable(output: Any, run_id: UUID) -> Any:
    """A run's result as an answer; where it is too large for one, where to find it."""
    if len(orjson.dumps(output)) <= MOST_CONTENT:
        return output
    return {"error": "too_large", "run_id": str(run_id)}


def _told(message: MailboxMessage) -> str:
    """A message as its agent reads it."""
    content = message.content
    said = content if isinstance(content, str) else orjson.dumps(content).decode()
    return f"Message from {message.sender}, of type {message.type}:\n\n{said}"


def _backoff(deliveries: int) -> timedelta:
    doubled = 1 << min(max(deliveries - 1, 0), 16)
    return min(BACKOFF * doubled, LONGEST_BACKOFF)
