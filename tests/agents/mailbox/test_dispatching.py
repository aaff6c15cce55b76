"""Agents that answer their mail: one run a message, whatever dies.

The runtime stands behind its port here.
"""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import make_url, text

from app.agents.definitions.models import Agent
from app.agents.mailbox import finding, reading, sending, subscriptions
from app.agents.mailbox.agents_crud import SeenAgents
from app.agents.mailbox.answering import Answer
from app.agents.mailbox.dispatching import Dispatcher, Pace
from app.agents.mailbox.errors import HopLimitReached
from app.agents.mailbox.lease_schemas import LeaseRequest
from app.agents.mailbox.message_schemas import MailboxMessageQuery
from app.agents.mailbox.room import Mailroom
from app.agents.mailbox.routing import MOST_HOPS
from app.agents.mailbox.schemas import MailboxCreate
from app.agents.mailbox.service import create, show
from app.agents.mailbox.subscription_schemas import (
    MailboxSubscriptionCreate,
    MailboxSubscriptionUpdate,
)
from app.agents.mailbox.waking import Bell
from app.core.auth import Access, Permission
from app.core.causes import count_behind, runs_behind
from app.core.db import SYSTEM, sync_engine
from app.core.errors import Conflict
from app.core.ids import new_id
from app.core.kernel import open_kernel
from app.identity.users.models import User
from app.identity.workspaces.models import Membership, Workspace
from tests.support.identity import until


@dataclass
class Runtime:
    """The runs of agents, as a test has them go."""

    begun: dict[UUID, object] = field(default_factory=dict)
    starts: list[UUID] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    answers: list[Answer] = field(default_factory=list)
    refusal: Exception | None = None

    async def start(self, access, wanted):
        if self.refusal is not None:
            raise self.refusal
        self.starts.append(wanted.run_id)
        self.begun.setdefault(wanted.run_id, wanted)

    async def finished(self, access, run_id):
        await self.held.wait()
        return self.answers.pop(0) if self.answers else Answer("completed", "done")


class Office:
    """A workspace with an agent that has a mailbox, and a service that asks it."""

    def __init__(self, kernel, room):
        self.kernel, self.room = kernel, room
        self.access = Access(new_id(), new_id(), frozenset(Permission), "session", uuid4())
        self.runtime, self.agent_id = Runtime(), new_id()
        self.address = f"agent:{self.agent_id}"

    def unit(self):
        return self.kernel.database.unit(self.access.scope)

    async def open(self):
        workspace_id, user_id = self.access.workspace_id, self.access.user_id
        async with self.kernel.database.unit(SYSTEM) as session:
            session.add(Workspace(id=workspace_id, name="W"))
            session.add(User(id=user_id, email=f"{user_id}@example.com"))
            await session.flush()
            session.add(Membership(workspace_id=workspace_id, user_id=user_id, role="owner"))
        async with self.unit() as session:
            session.add(
                Agent(
                    id=self.agent_id, workspace_id=self.access.workspace_id,
                    owner_id=self.access.user_id, name="A", slug="a", labels={}, tools=[], notes={},
                )
            )  # fmt: skip
            await session.flush()
            await create(session, self.room, self.access, MailboxCreate(address="service:asks"))

    async def close(self):
        """Leave no mail that the dispatcher of a later test would take up as it comes due again."""
        async with self.kernel.database.unit(SYSTEM) as session:
            await session.execute(
                text("update mailbox_subscriptions set paused = true where workspace_id = :id"),
                {"id": self.access.workspace_id},
            )

    async def subscribe(self, **settings):
        new = MailboxSubscriptionCreate(address="agent:a", **settings)
        async with self.unit() as session:
            self.subscription = await subscriptions.create(session, self.room, self.access, new)

    async def send(self, content="hi", sender="service:asks", **more):
        post = sending.Post(sender, content, reply_to="service:asks", correlation_id="c", **more)
        async with self.unit() as session:
            sent = await sending.send(session, self.room, self.access, post, "agent:a")
        return sent.deliveries[0].id

    async def message(self, message_id):
        async with self.unit() as session:
            return (await reading.find(session, self.room, self.access, self.address, message_id))[
                1
            ]

    async def replies(self):
        query = MailboxMessageQuery(order="asc")
        async with self.unit() as session:
            page = await reading.page(
                session, self.room, self.access, "service:asks", query, self.kernel.cursors
            )
        return [(each.content, each.correlation_id, each.sender) for each in page.data]

    @asynccontextmanager
    async def dispatching(self, **pace):
        dispatcher = Dispatcher(self.room, self.runtime, Pace(**pace) if pace else None)
        try:
            yield dispatcher
        finally:
            await dispatcher.close()

    async def ended(self, message_id, status="acked"):
        async def so():
            return (await self.message(message_id)).status == status

        await until(so)

    async def free(self, message_id):
        async def so():
            return (await self.message(message_id)).lease_id is None

        await until(so)

    async def pass_time(self):
        """What waits for a later time is due now, and leases are over."""
        async with self.kernel.database.unit(SYSTEM) as session:
            await session.execute(
                text(
                    "update mailbox_messages set available_at = now() - interval '1 s', "
                    "leased_until = case when leased_until is null then null "
                    "else now() - interval '1 s' end where workspace_id = :id"
                ),
                {"id": self.access.workspace_id},
            )

    async def spent(self):
        async with self.unit() as session:
            held = await subscriptions.get(session, self.access, self.subscription.id)
            return held.spent_usd


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(apart):
    """Stores of our own: no service stands on them that would answer our mail."""
    async with open_kernel(apart("alone"), vectors=False) as kernel, Bell(kernel) as bell:
        yield kernel, Mailroom(kernel, SeenAgents(), bell)


@pytest_asyncio.fixture(loop_scope="session")
async def office(own):
    made = Office(*own)
    await made.open()
    yield made
    await made.close()


async def test_a_message_is_a_run_and_its_result_is_the_answer(office):
    await office.subscribe()
    office.runtime.held.set()
    message_id = await office.send({"order": 1})
    async with office.dispatching() as dispatcher:
        await dispatcher.look()
        await office.ended(message_id)
    [wanted] = office.runtime.begun.values()
    assert wanted.agent_id == office.agent_id
    assert wanted.input.endswith('{"order":1}')
    assert await office.replies() == [("done", "c", office.address)]
    async with office.unit() as session:
        [reply] = await reading.lease(
            session, office.room, office.access, "service:asks", LeaseRequest()
        )
    assert (reply.in_reply_to_id, reply.hops) == (message_id, 1)


async def test_a_process_that_dies_over_a_run_does_not_have_it_run_twice(office):
    await office.subscribe()
    message_id = await office.send()
    async with office.dispatching() as first:
        await first.look()
        await until(lambda: _true(office.runtime.starts))
    # Died: nothing was written since. Its lease ends.
    await office.pass_time()
    office.runtime.held.set()
    async with office.dispatching() as second:
        await second.look()
        await office.ended(message_id)
    assert len(office.runtime.starts) == 2
    assert len(office.runtime.begun) == 1
    assert len(await office.replies()) == 1


async def test_two_processes_share_the_mail(office):
    await office.subscribe(concurrency=10)
    senders = [f"service:s{number}" for number in range(6)]
    sent = [await office.send(sender=sender) for sender in senders]
    office.runtime.held.set()
    async with office.dispatching() as first, office.dispatching() as second:
        await asyncio.gather(first.look(), second.look(), first.look(), second.look())
        for message_id in sent:
            await office.ended(message_id)
    assert len(office.runtime.starts) == len(office.runtime.begun) == 6


async def test_concurrency_bounds_what_is_answered_at_once(office):
    await office.subscribe(concurrency=2)
    for number in range(4):
        await office.send(sender=f"service:s{number}")
    async with office.dispatching() as dispatcher:
        for _ in range(3):
            await dispatcher.look()
        await until(lambda: _true(len(office.runtime.starts) >= 2))
        assert len(office.runtime.starts) == 2


async def test_a_failed_run_is_tried_again_as_another_one_and_dies_in_the_end(office):
    await office.subscribe()
    office.runtime.held.set()
    office.runtime.answers = [Answer("failed", error="no", cost_usd=Decimal("0.1"))] * 5
    message_id = await office.send()
    async with office.dispatching() as dispatcher:
        for _ in range(5):
            await dispatcher.look()
            await office.free(message_id)
            await office.pass_time()
    dead = await office.message(message_id)
    assert (dead.status, dead.dead_reason, dead.last_error) == ("dead", "max_deliveries", "no")
    assert len(set(office.runtime.starts)) == 5
    assert await office.spent() == Decimal("0.5")
    assert await office.replies() == []


async def test_a_run_that_cannot_begin_is_tried_again(office):
    await office.subscribe()
    office.runtime.held.set()
    office.runtime.refusal = Conflict("The model lacks tools.")
    message_id = await office.send()
    async with office.dispatching() as dispatcher:
        await dispatcher.look()
        await office.free(message_id)
    message = await office.message(message_id)
    assert (message.status, message.last_error) == ("waiting", "conflict: The model lacks tools.")


async def test_a_run_that_waits_for_a_person_is_no_failure(office):
    await office.subscribe()
    office.runtime.held.set()
    office.runtime.answers = [Answer("paused")] * 7
    message_id = await office.send()
    async with office.dispatching() as dispatcher:
        for _ in range(7):
            await dispatcher.look()
            await office.free(message_id)
            await office.pass_time()
        await dispatcher.look()
        await office.ended(message_id)
    assert len(office.runtime.begun) == 1


async def test_a_days_budget_is_never_exceeded(office):
    await office.subscribe(concurrency=2, budget_usd_per_day=Decimal(1))
    office.runtime.held.set()
    office.runtime.answers = [Answer("completed", "x", cost_usd=Decimal("0.5"))] * 4
    sent = [await office.send(sender=f"service:s{number}") for number in range(4)]
    async with office.dispatching() as dispatcher:
        for _ in range(4):
            await dispatcher.look()
            await office.ended(sent[0])
            await office.ended(sent[1])
    assert [each.budget_usd for each in office.runtime.begun.values()] == [Decimal("0.5")] * 2
    assert await office.spent() == Decimal(1)
    assert (await office.message(sent[2])).deliveries == 0
    async with office.unit() as session:  # another day
        held = await subscriptions.get(session, office.access, office.subscription.id)
        held.spent_on -= timedelta(days=1)
    async with office.dispatching() as dispatcher:
        await dispatcher.look()
        await office.ended(sent[3])


async def test_a_paused_subscription_answers_nothing_until_it_goes_on(office):
    await office.subscribe(paused=True)
    office.runtime.held.set()
    message_id = await office.send()
    async with office.dispatching() as dispatcher:
        await dispatcher.look()
        assert (await office.message(message_id)).deliveries == 0
        async with office.unit() as session:
            await subscriptions.update(
                session, office.room, office.access, office.subscription.id,
                MailboxSubscriptionUpdate(paused=False),
            )  # fmt: skip
        await dispatcher.look()
        await office.ended(message_id)


async def test_whoever_left_answers_no_more(office):
    await office.subscribe()
    message_id = await office.send()
    async with office.kernel.database.unit(SYSTEM) as session:
        await session.execute(
            text("update memberships set suspended_at = now() where user_id = :id"),
            {"id": office.access.user_id},
        )
    async with office.dispatching() as dispatcher:
        await dispatcher.look()
    assert office.runtime.starts == []
    assert (await office.message(message_id)).deliveries == 0
    async with office.unit() as session:
        held = await subscriptions.get(session, office.access, office.subscription.id)
    assert (held.paused, held.paused_reason) == (True, "membership_suspended")


async def test_agents_do_not_answer_answers_for_ever(office):
    await office.subscribe(concurrency=2)
    office.runtime.held.set()
    post = sending.Post(office.address, "ping", reply_to=office.address, correlation_id="c")
    async with office.unit() as session:
        await sending.send(session, office.room, office.access, post, office.address)

    async def all_read():
        await dispatcher.look()
        async with office.unit() as session:
            return (await show(session, office.room, office.access, office.address)).depth == 0

    async with office.dispatching() as dispatcher:
        await until(all_read)
        await until(lambda: _true(len(office.runtime.starts) == 2))
        await until(all_read)
    assert len(office.runtime.begun) == 2  # the question, and the answer: nobody wants one to that


async def test_a_message_that_has_come_too_far_is_not_answered(office):
    await office.subscribe()
    office.runtime.held.set()
    message_id = await office.send(hops=MOST_HOPS)
    async with office.dispatching() as dispatcher:
        await dispatcher.look()
        await office.ended(message_id)
    assert await office.replies() == []
    with pytest.raises(HopLimitReached):
        await office.send(hops=MOST_HOPS + 1)


async def test_an_answer_that_finds_its_mailbox_full_is_sent_later_without_another_run(office):
    await office.subscribe()
    office.runtime.held.set()
    message_id = await office.send()
    async with office.unit() as session:
        asks = await finding.own(session, office.room.agents, office.access, "service:asks")
        asks.capacity = 1
        post = sending.Post("service:other", "full")
        await sending.send(session, office.room, office.access, post, "service:asks")
    async with office.dispatching() as dispatcher:
        await dispatcher.look()
        await until(lambda: _true(office.runtime.starts))
        await office.free(message_id)
        async with office.unit() as session:
            asks = await finding.own(session, office.room.agents, office.access, "service:asks")
            asks.capacity = 2
        await office.pass_time()
        await dispatcher.look()
        await office.ended(message_id)
    assert len(office.runtime.begun) == 1
    assert [content for content, _, _ in await office.replies()] == ["full", "done"]


async def test_a_lease_is_kept_while_its_run_goes_on_and_a_lost_one_is_let_go(office):
    await office.subscribe()
    message_id = await office.send()
    async with office.dispatching(lease=timedelta(seconds=0.6)) as dispatcher:
        await dispatcher.look()
        begun = await office.message(message_id)

        async def renewed():
            return (await office.message(message_id)).leased_until > begun.leased_until

        await until(renewed)
        async with office.unit() as session:
            held = await session.get(type(begun), message_id)
            held.lease_id = uuid4()  # somebody else has it now
        await until(lambda: _true(not dispatcher._answers))
    office.runtime.held.set()
    assert (await office.message(message_id)).status == "waiting"
    assert await office.replies() == []


async def test_a_wait_for_mail_outlives_both_stores_hanging_up(office, stores):
    waiting = asyncio.create_task(office.room.until_due(office.access, "service:asks", 20))
    await until(lambda: _true(office.room.bell._signals._listeners.keys() - {"mailboxes:agents"}))
    await office.kernel.valkey.client_kill_filter(_type="pubsub")
    await asyncio.to_thread(hang_up, stores[0], office.kernel)
    post = sending.Post("service:other", "here")
    async with office.unit() as session:
        await sending.send(session, office.room, office.access, post, "service:asks")
    await waiting
    async with office.unit() as session:
        [taken] = await reading.lease(
            session, office.room, office.access, "service:asks", LeaseRequest()
        )
    assert taken.content == "here"


def hang_up(server_url, kernel):
    """End every connection to the database, as a restart does."""
    name = make_url(kernel.settings.database_url.get_secret_value()).database
    owner = sync_engine(server_url)
    with owner.connect() as connection:
        ended = "select pg_terminate_backend(pid) from pg_stat_activity where datname = :name"
        connection.execute(text(ended), {"name": name})
    owner.dispose()


async def _true(value):
    return bool(value)


async def test_an_answer_counts_as_done_by_what_sent_the_message(office):
    """So that a workflow which writes to an agent that starts it again comes to an end."""
    await office.subscribe()
    office.runtime.held.set()
    seen, start = [], office.runtime.start

    async def started(access, wanted):
        # A look sees what other tests have left, too.
        if access.workspace_id == office.access.workspace_id:
            seen.append(runs_behind())
        await start(access, wanted)

    office.runtime.start = started
    for deep in (3, 0):
        count_behind(deep)
        message_id = await office.send(deep)
        count_behind(0)
        async with office.dispatching() as dispatcher:
            await dispatcher.look()
            await office.ended(message_id)
    assert seen == [3, 0]
    async with office.kernel.database.unit(SYSTEM) as session:
        told = await session.execute(
            text(
                "select sender, runs_behind from mailbox_messages where workspace_id = :id "
                "order by position"
            ),
            {"id": office.access.workspace_id},
        )
    assert [tuple(row) for row in told] == [
        ("service:asks", 3),
        (office.address, 3),
        ("service:asks", 0),
        (office.address, 0),
    ]
