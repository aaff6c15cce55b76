"""What holds of a mailbox whatever is sent, leased, acknowledged and given back, by whomever.

Time passes by moving what stands in the rows back: the code under test reads its own clock.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from uuid import UUID, uuid4

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.agents.mailbox import crud, queue_crud, reading, sending
from app.agents.mailbox.errors import LeaseLost, MailboxFull
from app.agents.mailbox.jobs import mailboxes_job
from app.agents.mailbox.lease_schemas import LeaseRequest, RedriveRequest
from app.agents.mailbox.models import Mailbox, MailboxMessage
from app.core.clock import now
from app.core.ids import new_id
from tests.support.runs import new_access

AGEING, CAPACITY, MAX_DELIVERIES = 60, 6, 2
SENDERS = ("service:a", "service:b", "service:c")
STEP = st.one_of(
    st.tuples(
        st.just("send"),
        st.fixed_dictionaries(
            {
                "sender": st.sampled_from(SENDERS),
                "priority": st.integers(0, 9),
                "dedup_id": st.sampled_from([None, None, "x", "y"]),
                "delay": st.sampled_from([0, 0, 0, 35]),
                "ttl": st.sampled_from([None, None, 55]),
            }
        ),
    ),
    st.tuples(st.just("lease"), st.integers(1, 4)),
    st.tuples(st.just("race"), st.integers(1, 2)),
    st.tuples(st.just("ack"), st.integers(0, 5)),
    st.tuples(st.just("ack"), st.integers(0, 5)),
    st.tuples(st.just("nack"), st.integers(0, 5)),
    st.tuples(st.just("reject"), st.integers(0, 5)),
    st.tuples(st.just("extend"), st.integers(0, 5)),
    st.tuples(st.just("pass"), st.sampled_from([10, 40, 100])),
    st.tuples(st.just("sweep"), st.none()),
    st.tuples(st.just("redrive"), st.none()),
)
MOMENTS = ("created_at", "rank", "available_at", "expires_at", "leased_until")


@pytest_asyncio.fixture(loop_scope="session")
async def office(kernel, app):
    return kernel, app.state.agents.mailroom


@dataclass
class Player:
    """One mailbox, and what is known of it from the outside."""

    kernel: object
    room: object
    access: object
    mailbox: Mailbox
    accepted: dict[UUID, str] = field(default_factory=dict)
    dedup: dict[tuple, UUID] = field(default_factory=dict)
    receipts: list[tuple[UUID, UUID]] = field(default_factory=list)
    acked: set[UUID] = field(default_factory=set)

    def unit(self):
        return self.kernel.database.unit(self.access.scope)

    @property
    def address(self):
        return self.mailbox.address

    async def rows(self):
        async with self.unit() as session:
            own = select(MailboxMessage).where(MailboxMessage.mailbox_id == self.mailbox.id)
            return (await session.scalars(own.order_by(MailboxMessage.position))).all()

    async def play(self, name, value):
        await getattr(self, name)(value)
        await self.look()

    async def send(self, letter):
        post = sending.Post(
            letter["sender"],
            "x",
            priority=letter["priority"],
            dedup_id=letter["dedup_id"],
            delay=timedelta(seconds=letter["delay"]),
            ttl=letter["ttl"] and timedelta(seconds=letter["ttl"]),
        )
        waiting = sum(row.status == "waiting" for row in await self.rows())
        key = (post.sender, post.dedup_id)
        known = self.dedup.get(key) if post.dedup_id else None
        try:
            async with self.unit() as session:
                sent = await sending.send(session, self.room, self.access, post, self.address)
        except MailboxFull:
            assert known is None
            assert waiting >= CAPACITY
            return
        [end] = sent.deliveries
        assert sent.duplicate is (known is not None)
        if known is not None:
            assert end.id == known
            return
        assert waiting < CAPACITY
        self.accepted[end.id] = post.sender
        if post.dedup_id:
            self.dedup[key] = end.id

    async def lease(self, most):
        expected = leasable(await self.rows())[:most]
        taken = await self._lease(most)
        assert [each.id for each in taken] == [each.id for each in expected]
        self.receipts += [(each.id, each.lease_id) for each in taken]

    async def race(self, most):
        expected = {each.id for each in leasable(await self.rows())}
        leased = await asyncio.gather(*(self._lease(most) for _ in range(3)))
        taken = [each for some in leased for each in some]
        ids = [each.id for each in taken]
        assert len(ids) == len(set(ids))
        assert set(ids) <= expected
        assert len(ids) >= min(len(expected), most)
        self.receipts += [(each.id, each.lease_id) for each in taken]

    async def _lease(self, most):
        async with self.unit() as session:
            return await reading.lease(
                session, self.room, self.access, self.address,
                LeaseRequest(max=most, lease_seconds=30),
            )  # fmt: skip

    async def ack(self, number):
        if not self.receipts:
            return
        message_id, receipt = self.receipts[number % len(self.receipts)]
        if await self._with(receipt, reading.acknowledge):
            self.acked.add(message_id)

    async def nack(self, number, *, reject=False):
        async def act(session, mailbox, receipt):
            message = await reading._held(session, mailbox, receipt)
            delay = timedelta(seconds=0 if number % 2 else 15)
            reading.return_message(message, mailbox, delay, "no", reject=reject)

        if self.receipts:
            await self._with(self.receipts[number % len(self.receipts)][1], act)

    async def reject(self, number):
        await self.nack(number, reject=True)

    async def extend(self, number):
        async def act(session, mailbox, receipt):
            message = await reading._held(session, mailbox, receipt)
            message.leased_until = now() + timedelta(seconds=30)

        if self.receipts:
            await self._with(self.receipts[number % len(self.receipts)][1], act)

    async def _with(self, receipt, act):
        """Act on a lease; only the message's last lease is worth anything."""
        current = {row.lease_id: row.status for row in await self.rows()}
        try:
            async with self.unit() as session:
                await act(session, self.mailbox, receipt)
        except LeaseLost:
            assert current.get(receipt) != "waiting"
            return False
        assert current[receipt] in ("waiting", "acked")
        return True

    async def redrive(self, _):
        async with self.unit() as session:
            await reading.redrive(
                session, self.room, self.access, self.address, RedriveRequest(ids=None)
            )

    async def sweep(self, _):
        await mailboxes_job(self.kernel.database).run()
        assert [row for row in await self.rows() if row.status == "waiting" and is_over(row)] == []

    async def look(self):
        rows = {row.id: row for row in await self.rows()}
        # Nothing is lost, nothing appears from nowhere, and what was acknowledged stays so.
        assert set(rows) == set(self.accepted)
        assert {row.id for row in rows.values() if row.status == "acked"} == self.acked
        assert {row.status for row in rows.values()} <= {"waiting", "acked", "dead"}
        for row in rows.values():
            if row.status == "dead":
                assert row.dead_reason in ("expired", "max_deliveries", "rejected")
            assert row.deliveries <= MAX_DELIVERIES
        self.order_holds(rows.values())

    def order_holds(self, rows):
        """Of a pair, whatever is leased now has nothing before it that still waits."""
        pairs = defaultdict(list)
        for row in sorted(rows, key=lambda row: row.position):
            if row.status == "waiting":
                pairs[row.sender].append(is_leased(row))
        assert not any(any(held[1:]) for held in pairs.values())

    async def _shift(self, seconds):
        back = timedelta(seconds=seconds)
        async with self.unit() as session:
            await session.execute(
                update(MailboxMessage)
                .where(MailboxMessage.mailbox_id == self.mailbox.id)
                .values({name: getattr(MailboxMessage, name) - back for name in MOMENTS})
            )


setattr(Player, "pass", Player._shift)


def is_leased(row):
    return row.leased_until is not None and row.leased_until > now()


def is_over(row):
    return not is_leased(row) and row.expires_at <= now()


def leasable(rows):
    """What a lease should give, reckoned from the rows alone."""
    at, firsts = now(), {}
    for row in sorted(rows, key=lambda row: row.position):
        gone = is_over(row) or (not is_leased(row) and row.deliveries >= MAX_DELIVERIES)
        if row.status == "waiting" and not gone:
            firsts.setdefault(row.sender, row)
    free = [row for row in firsts.values() if not is_leased(row) and row.available_at <= at]
    waited = {row.id: (at - row.rank).total_seconds() / AGEING for row in free}
    return sorted(free, key=lambda row: (-waited[row.id], row.position))


async def new_player(office) -> Player:
    kernel, room = office
    access = await new_access(kernel)
    mailbox = Mailbox(
        id=new_id(),
        workspace_id=access.workspace_id,
        kind="service",
        address=f"service:{uuid4().hex}",
        tags=[],
        capacity=CAPACITY,
        max_deliveries=MAX_DELIVERIES,
        ttl_seconds=1000,
        ageing_seconds=AGEING,
    )
    async with kernel.database.unit(access.scope) as session:
        await crud.add(session, mailbox)
    return Player(kernel, room, access, mailbox)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, min_size=8, max_size=40))
async def test_whatever_happens_nothing_is_lost_doubled_or_out_of_order(office, steps):
    player = await new_player(office)
    for name, value in steps:
        await player.play(name, value)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(priority=st.integers(0, 9), rivals=st.lists(st.integers(0, 9), min_size=12, max_size=12))
async def test_no_priority_keeps_a_message_waiting_for_ever(office, priority, rivals):
    """One more rival each ageing time: after nine at most the message that waits goes first."""
    player = await new_player(office)
    async with player.unit() as session:
        (await session.get(Mailbox, player.mailbox.id)).ttl_seconds = 100_000
    await player.send(letter("service:slow", priority))
    [waiting] = player.accepted
    for number, rival in enumerate(rivals):
        await player._shift(AGEING)
        await player.send(letter(f"service:rival-{number}", rival))
        [taken] = await player._lease(1)
        async with player.unit() as session:
            await reading.acknowledge(session, player.mailbox, taken.lease_id)
        if taken.id == waiting:
            assert number <= max(0, 9 - priority)
            return
        assert rival > priority + number
    raise AssertionError("it starved")


class Crowd:
    """Many that send and read at once; every third delivery is given back."""

    def __init__(self, player):
        self.player, self.done, self.turns = player, defaultdict(list), count()

    async def sends(self, sender):
        player = self.player
        for number in range(8):
            post = sending.Post(sender, number, priority=number)
            async with player.unit() as session:
                await sending.send(session, player.room, player.access, post, player.address)

    async def reads(self):
        idle = 0
        while idle < 10:
            taken = await self.player._lease(2)
            idle = 0 if taken else idle + 1
            for message in taken:
                await self.settles(message)
            await asyncio.sleep(0.005)

    async def settles(self, message):
        mailbox = self.player.mailbox
        async with self.player.unit() as session:
            if next(self.turns) % 3:
                await reading.acknowledge(session, mailbox, message.lease_id)
                self.done[message.sender].append(message.content)
            else:
                held = await reading._held(session, mailbox, message.lease_id)
                reading.return_message(held, mailbox, timedelta(), None)


async def test_a_burst_of_senders_and_readers_loses_and_doubles_nothing(office):
    player = await new_player(office)
    async with player.unit() as session:
        mailbox = await session.get(Mailbox, player.mailbox.id)
        mailbox.capacity, mailbox.max_deliveries = 1000, 50
    player.mailbox, crowd = mailbox, Crowd(player)
    senders = [f"service:s{number}" for number in range(6)]
    await asyncio.gather(*map(crowd.sends, senders), *(crowd.reads() for _ in range(4)))
    await crowd.reads()
    assert crowd.done == {sender: list(range(8)) for sender in senders}
    async with player.unit() as session:
        left = await queue_crud.depth(session, player.access.workspace_id, mailbox.id)
    assert left == 0


def letter(sender, priority):
    return {"sender": sender, "priority": priority, "dedup_id": None, "delay": 0, "ttl": None}
