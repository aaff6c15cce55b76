"""The log of a run of very many steps: within its bounds, and no reason for the run to fail."""

from uuid import UUID

import pytest
import pytest_asyncio

from app.automation.engine.quieting import EVERY, MOST_TOLD, Quiet
from app.runs.events.errors import RunOutputTooLarge
from app.runs.events.log import MAX_BYTES, RunLog
from app.runs.runs.context import RunContext
from app.runs.runs.models import Run
from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.workflows.office import Office

RUN = UUID(int=7)


def context(history=()):
    """Of a run that only writes its log."""
    run = Run(id=RUN, workspace_id=RUN, user_id=RUN, kind="workflow_run", input={}, attempt=1)
    log = RunLog(RUN, 1, history, lambda _, **__: None)
    return RunContext(run, log, lambda _: None), log


def tell(quiet, index, kind="step.completed"):
    emit(quiet, kind, step="tool", path=f"m[{index}]/x", node_id="x", attempt=0, counts={})


def emit(quiet, kind, **fields):
    quiet.emit(kind, fields)


def counts(log):
    return [each.body["count"] for each in log.events if each.type == "log"]


def told(log, kind="step.completed"):
    return sum(each.type == kind for each in log.events)


async def test_of_many_items_the_first_are_told_of_and_the_others_counted_once():
    ctx, log = context()
    quiet, items = Quiet(ctx), MOST_TOLD + 3 * EVERY
    for index in range(items):
        tell(quiet, index, "step.started")
        tell(quiet, index)
    assert told(log) == told(log, "step.started") == MOST_TOLD
    assert counts(log) == [EVERY, 2 * EVERY, 3 * EVERY]
    ctx, again = context(log.events)
    quiet = Quiet(ctx)
    for index in range(items + EVERY):
        tell(quiet, index)
    assert counts(again) == [EVERY, 2 * EVERY, 3 * EVERY, 4 * EVERY]


async def test_what_fails_is_told_of_besides_and_what_stands_alone_in_any_case():
    ctx, log = context()
    quiet = Quiet(ctx)
    for index in range(3 * MOST_TOLD):
        tell(quiet, index)
    tell(quiet, 3 * MOST_TOLD, "step.failed")
    emit(quiet, "step.completed", step="map", path="m", node_id="m", attempt=0, counts={})
    assert [each.body["path"] for each in log.events[-2:]] == [f"m[{3 * MOST_TOLD}]/x", "m"]


async def test_texts_end_where_the_log_has_no_room_and_steps_are_told_of_after_them():
    ctx, log = context()
    quiet = Quiet(ctx)
    for _ in range(MAX_BYTES // 100_000):
        quiet.text(RUN, "€" * 100_000)
        ctx._flush_deltas()
    tell(quiet, 1)
    emit(quiet, "step.completed", step="map", path="m", node_id="m", attempt=0, counts={})
    assert [each.type for each in log.events[-2:]] == ["log", "step.completed"]
    assert log.events[-1].body["path"] == "m"
    assert log.size < MAX_BYTES
    with pytest.raises(RunOutputTooLarge):
        ctx.emit("log", text="x" * MAX_BYTES)


@pytest_asyncio.fixture(loop_scope="session")
async def office(client):
    return Office(Talker(client, await new_person(client)))


async def test_a_map_of_very_many_items_ends_well(office):
    names = [letter * 64 for letter in "abcde"]
    body = {
        "nodes": [{"id": name, "type": "transform", "with": {"value": 1}} for name in names],
        "outputs": "{{ index }}",
    }
    items = "{{ lists.range(10000) }}"
    await office.make(
        "many",
        nodes=[{"id": "m", "type": "map", "with": {"items": items}, "body": body}],
        outputs="{{ size(nodes.m.output) }}",
    )
    run = await office.run("many")
    assert (run["status"], run["output"]) == ("completed", 10_000), run
    events = (await office.events(run["id"])).events
    assert len(events) < 2 * len(names) * MOST_TOLD
    assert max(each["count"] for each in events if each["type"] == "log") == 9_500
