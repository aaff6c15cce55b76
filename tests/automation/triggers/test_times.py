"""Cron triggers: each time is one run, whoever looks at the clock, and however often one dies."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import func, select, text

from app.automation.engine.models import WorkflowRun
from app.automation.triggers.firing import MOST_ATTEMPTS, Firing
from app.automation.triggers.jobs import prune
from app.automation.triggers.models import WorkflowDelivery
from app.automation.triggers.ticking import Ticker, key_of
from app.core.clock import now
from app.core.db import SYSTEM

NOON = {"kind": "cron", "expression": "0 12 * * *", "time_zone": "Europe/Berlin"}
TIME = {"inputs": {"at": "{{ scheduled_at }}", "by": "{{ trigger.name }}"}}


async def set_back(kernel, trigger, **times):
    """Have its next time be one that has passed; returns that time."""
    then = datetime.fromisoformat(trigger["next_at"])
    then = then.replace(**times) if times else then - timedelta(days=1)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            text(
                "update workflow_triggers set scheduled_at = :at, next_at = :at, moved_at = now() "
                "where id = :id"
            ),
            {"at": then, "id": UUID(trigger["id"])},
        )
    return then


async def runs_of(kernel, workflow):
    async with kernel.database.unit(SYSTEM) as session:
        counted = select(func.count()).where(WorkflowRun.workflow_id == UUID(workflow["id"]))
        return await session.scalar(counted)


async def test_two_tickers_at_once_start_a_time_once(bench, kernel):
    workflow = await bench.workflow()
    trigger = await bench.trigger(workflow, NOON, **TIME)
    due = await set_back(kernel, trigger)
    await asyncio.gather(*(Ticker(kernel).tick(now()) for _ in range(4)))
    (delivery,) = await bench.deliveries(trigger)
    assert delivery["status"] == "started", delivery
    run_id = uuid5(UUID(workflow["id"]), key_of(UUID(trigger["id"]), due))
    assert delivery["run_id"] == str(run_id)
    told = due.isoformat().replace("+00:00", "Z")
    assert await bench.output(run_id) == {"at": told, "by": "A trigger"}
    assert await runs_of(kernel, workflow) == 1
    shown = await bench.show(trigger)
    assert (shown["next_at"], shown["failures"]) == (trigger["next_at"], 0)
    assert shown["last_fired_at"] is not None
    assert shown["version"] == trigger["version"]


async def test_what_was_missed_is_made_up_for_as_the_trigger_wants(bench, kernel):
    workflow, wanted = await bench.workflow(), {"all": 3, "last": 1, "skip": 0}
    triggers = {}
    for catch_up in wanted:
        on = {**NOON, "expression": "0 0 1 1 *", "time_zone": "UTC", "catch_up": catch_up}
        triggers[catch_up] = await bench.trigger(workflow, on)
        await set_back(kernel, triggers[catch_up], year=now().year - 2)
    await Ticker(kernel).tick(now())
    for catch_up, count in wanted.items():
        if count:
            assert len(await bench.deliveries(triggers[catch_up])) == count
        shown = await bench.show(triggers[catch_up])
        assert shown["next_at"] == triggers[catch_up]["next_at"]
    path = f"/v1/workflow-triggers/{triggers['skip']['id']}/deliveries"
    assert (await bench.call("GET", path))["data"] == []


class Dying:
    """A process that dies after the engine has the run, before it is written down anywhere."""

    def __init__(self, starter):
        self._starter = starter
        self.began = asyncio.Event()

    async def start(self, access, wanted):
        await self._starter.start(access, wanted)
        self.began.set()
        await asyncio.Event().wait()


async def test_a_process_that_dies_while_starting_leaves_one_run(bench, kernel, app):
    workflow = await bench.workflow()
    trigger = await bench.trigger(workflow, NOON, enabled=False)
    starter = app.state.automation.starter
    claimed = WorkflowDelivery(
        workspace_id=UUID(bench.person.workspace_id),
        trigger_id=UUID(trigger["id"]),
        user_id=UUID(bench.person.user_id),
        key=f"manual:{trigger['id']}",
        event={"event": {}, "body": None, "headers": {}, "scheduled_at": None},
        attempts=1,
        due_at=now() + timedelta(minutes=2),
    )
    async with kernel.database.unit(SYSTEM) as session:
        session.add(claimed)
    dying = Dying(starter)
    death = asyncio.create_task(Firing(kernel, dying).start(claimed))
    await dying.began.wait()
    death.cancel()
    await asyncio.gather(death, return_exceptions=True)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            text("update workflow_deliveries set due_at = now() where id = :id"),
            {"id": claimed.id},
        )
    # What is switched off meanwhile has begun all the same, and the trigger says so.
    await bench.call("PATCH", f"/v1/workflows/{workflow['id']}", {"enabled": False})
    await Firing(kernel, starter).run()
    (delivery,) = await bench.deliveries(trigger)
    assert delivery["run_id"] == str(uuid5(UUID(workflow["id"]), claimed.key))
    assert await runs_of(kernel, workflow) == 1


async def test_a_start_that_nobody_can_explain_is_given_up_in_the_end(bench, kernel):
    trigger = await bench.trigger(await bench.workflow(), NOON, enabled=False)
    delivery = WorkflowDelivery(
        workspace_id=UUID(bench.person.workspace_id),
        trigger_id=UUID(trigger["id"]),
        user_id=UUID(bench.person.user_id),
        key=f"manual:{trigger['id']}",
        event={"event": {}, "body": None, "headers": {}, "scheduled_at": None},
        attempts=MOST_ATTEMPTS,
        due_at=now() + timedelta(minutes=2),
    )
    async with kernel.database.unit(SYSTEM) as session:
        session.add(delivery)
    await Firing(kernel, Broken()).start(delivery)
    (told,) = await bench.deliveries(trigger)
    assert (told["status"], told["reason"]) == ("failed", "internal_error")


class Broken:
    """A starter that fails in a way which nobody foresaw."""

    async def start(self, access, wanted):
        raise RuntimeError


async def test_times_can_be_looked_at_beforehand(bench):
    trigger = await bench.trigger(
        await bench.workflow(), {**NOON, "expression": "30 2 * * *", "jitter_seconds": 600}
    )
    path = f"/v1/workflow-triggers/{trigger['id']}/next"
    found = await bench.call("GET", path, count=3, after="2026-03-28T00:00:00Z")
    assert found["data"] == [
        "2026-03-28T01:30:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-30T00:30:00Z",
    ]


async def test_a_time_needs_nothing_to_be_fired_with(bench):
    trigger = await bench.trigger(await bench.workflow(), NOON, inputs={"at": "{{ scheduled_at }}"})
    path = f"/v1/workflow-triggers/{trigger['id']}/fire"
    await bench.call("POST", path, expect=202)
    (fired,) = await bench.deliveries(trigger)
    assert list(await bench.output(fired["run_id"])) == ["at"]


async def test_what_could_never_fire_is_refused_where_it_is_wrong(bench):
    workflow = await bench.workflow()
    wrong = {
        "/body/on/expression": {"on": {**NOON, "expression": "0 0 30 2 *"}},
        "/body/on/time_zone": {"on": {**NOON, "time_zone": "Europe/Atlantis"}},
        "/body/on/match": {"on": {"kind": "event", "type": "a.b", "match": "nodes.x == 1"}},
        "/body/inputs/who": {"on": NOON, "inputs": {"who": "Hello {{ person.name }}"}},
        "/body/on/json_schema": {"on": {"kind": "form", "title": "F", "json_schema": {"type": 1}}},
        "/body/on/json_schema/type": {
            "on": {"kind": "form", "title": "F", "json_schema": {"type": ["array", "null"]}}
        },
        "/body/label": {"on": NOON, "workflow_version": 1, "label": "production"},
    }
    for pointer, body in wrong.items():
        said = await bench.trigger(workflow, body.pop("on"), expect=422, **body)
        assert said["code"] == "workflow_trigger_invalid", said
        assert [each["pointer"] for each in said["errors"]] == [pointer]
    unsigned = {"kind": "webhook", "verification": {"type": "none"}}
    await bench.trigger(workflow, unsigned, expect=422)


async def test_the_last_hundred_deliveries_are_kept_and_all_that_are_young_or_under_way(
    bench, kernel
):
    trigger = await bench.trigger(await bench.workflow(), NOON)
    many = text(
        "insert into workflow_deliveries (id, workspace_id, trigger_id, user_id, key, status, "
        "depth, attempts, due_at, created_at) select gen_random_uuid(), :workspace, :trigger, "
        ":user, :status || n, :status, 0, 0, 'infinity', now() - make_interval(hours => :hours) "
        "from generate_series(1, :count) n"
    )
    person = {
        "workspace": UUID(bench.person.workspace_id),
        "trigger": UUID(trigger["id"]),
        "user": UUID(bench.person.user_id),
    }
    counts = {"pending": (3, 99), "started": (110, 72), "failed": (5, 1), "refused": (7, 0)}
    async with kernel.database.unit(SYSTEM) as session:
        for status, (count, hours) in counts.items():
            row = {**person, "status": status, "count": count, "hours": hours}
            await session.execute(many, row)
    await prune(kernel.database)
    async with kernel.database.unit(SYSTEM) as session:
        left = await session.execute(
            text(
                "select status, count(*) from workflow_deliveries where trigger_id = :t group by 1"
            ),
            {"t": person["trigger"]},
        )
        kept = dict(tuple(row) for row in left)
    assert kept == {"pending": 3, "started": 88, "failed": 5, "refused": 7}
