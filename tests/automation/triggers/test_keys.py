"""What is written or fired with an API key may do no more than that key."""

from dataclasses import replace
from uuid import UUID

from app.automation.triggers.models import WorkflowDelivery
from app.core.auth import Permission
from app.core.db import SYSTEM
from app.runs.runs.models import Run
from tests.automation.triggers.conftest import Bench
from tests.automation.triggers.test_authors import EVERYTHING, LACKS, ran, refused, saying, write
from tests.automation.triggers.test_webhooks import UNSIGNED
from tests.support.identity import bearer, new_key

SCOPES = {Permission.WORKFLOWS_READ, Permission.WORKFLOWS_WRITE, Permission.WORKFLOWS_RUN}


async def with_key(bench, scopes=SCOPES):
    """The same person with a key of theirs, and its id."""
    key = await new_key(bench.http, bench.person, scopes=sorted(scopes))
    return Bench(bench.http, replace(bench.person, headers=bearer(key["key"]))), key["id"]


async def test_a_version_that_was_written_with_a_key_may_do_what_the_key_may(bench, kernel):
    keyed, key_id = await with_key(bench)
    workflow = await bench.workflow(saying("first"))
    trigger = await bench.trigger(workflow, UNSIGNED)
    assert await ran(kernel, bench, trigger) == ("first", EVERYTHING)
    await write(keyed, workflow, "with a key")
    assert await ran(kernel, bench, trigger) == ("with a key", SCOPES)
    # They look at it, and so answer for it with all that they may do.
    await bench.change(trigger, name="Looked at")
    assert await ran(kernel, bench, trigger) == ("with a key", EVERYTHING)
    await write(keyed, workflow, "again")
    await bench.call("DELETE", f"/v1/api-keys/{key_id}", expect=204)
    assert await refused(bench, trigger) == ("skipped", LACKS)
    await write(bench, workflow, "without")
    assert await ran(kernel, bench, trigger) == ("without", EVERYTHING)


async def test_a_key_that_may_not_run_workflows_answers_for_none(bench):
    keyed, _ = await with_key(bench, SCOPES - {Permission.WORKFLOWS_RUN})
    workflow = await bench.workflow(saying("first"))
    trigger = await bench.trigger(workflow, UNSIGNED)
    await write(keyed, workflow, "with a key")
    assert await refused(bench, trigger) == ("skipped", LACKS)


async def fired(kernel, bench, trigger, by=None):
    """What a run was allowed to do that was begun by hand."""
    await (by or bench).fire(trigger)
    run_id = (await bench.deliveries(trigger))[0]["run_id"]
    await bench.output(run_id)
    async with kernel.database.unit(SYSTEM) as session:
        run = await session.get(Run, UUID(run_id))
    return frozenset(run.input["permissions"]), run.input["credential"]


async def test_what_is_fired_with_a_key_may_do_what_the_key_may(bench, kernel):
    keyed, _ = await with_key(bench)
    trigger = await bench.trigger(await bench.workflow(saying("first")), UNSIGNED)
    assert await fired(kernel, bench, trigger) == (EVERYTHING, "session")
    assert await fired(kernel, bench, trigger, keyed) == (SCOPES, "api_key")
    assert await ran(kernel, bench, trigger) == ("first", EVERYTHING)


async def test_a_trigger_of_a_key_is_fired_with_that_key_or_by_hand(bench, kernel):
    one, _ = await with_key(bench)
    other, _ = await with_key(bench, SCOPES | {Permission.MODELS_INVOKE})
    trigger = await one.trigger(await one.workflow(saying("first")), UNSIGNED)
    assert await fired(kernel, bench, trigger, one) == (SCOPES, "api_key")
    assert await fired(kernel, bench, trigger) == (SCOPES, "api_key")
    assert (await other.fire(trigger, expect=403))["code"] == "workflow_trigger_not_yours"


async def test_a_key_that_has_ended_by_then_leaves_the_trigger_on(bench, kernel):
    keyed, key_id = await with_key(bench)
    trigger = await bench.trigger(await bench.workflow(saying("first")), UNSIGNED)
    fired = await keyed.fire(trigger)
    await bench.deliveries(trigger)
    await bench.call("DELETE", f"/v1/api-keys/{key_id}", expect=204)
    async with kernel.database.unit(SYSTEM) as session:
        # As it is where its process died before the run began.
        row = await session.get(WorkflowDelivery, UUID(fired["id"]))
        row.status, row.ended_at, row.run_id = "pending", None, None
        row.event, row.due_at = {}, row.created_at
    await bench.post(trigger, b"{}")  # nudges
    other, last = await bench.deliveries(trigger, 2)
    assert (last["status"], last["reason"]) == ("refused", "workflow_trigger_key_ended")
    assert (other["status"], (await bench.show(trigger))["enabled"]) == ("started", True)
