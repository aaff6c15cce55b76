"""A trigger's run may do no more than its owner and whoever wrote what it runs."""

from uuid import UUID

from sqlalchemy import update

from app.automation.triggers.models import WorkflowTrigger
from app.automation.workflows.models import WorkflowVersion
from app.core.auth import Permission
from app.core.db import SYSTEM
from app.identity.workspaces.roles import PERMISSIONS
from app.runs.runs.models import Run
from tests.automation.triggers.conftest import ECHO
from tests.automation.triggers.test_acting import members
from tests.automation.triggers.test_webhooks import UNSIGNED

EVERYTHING = frozenset(Permission)
EDITORS = PERMISSIONS["editor"]
LACKS = "workflow_trigger_author_lacks_right"


def saying(value):
    node = {"id": "echo", "type": "transform", "with": {"value": value}}
    return {**ECHO, "nodes": [node]}


async def write(bench, workflow, value):
    """Make a version that gives a value."""
    path = f"/v1/workflows/{workflow['id']}"
    return await bench.call("PATCH", path, {"definition": saying(value)})


async def ran(kernel, bench, trigger):
    """What the run of a message gave, and what it was allowed to do."""
    taken = await bench.post(trigger, b"{}")
    output = await bench.output(taken["run_id"])
    async with kernel.database.unit(SYSTEM) as session:
        run = await session.get(Run, UUID(taken["run_id"]))
    assert str(run.user_id) == trigger["owner_id"]
    return output, frozenset(run.input["permissions"])


async def refused(bench, trigger):
    """Why a message came to nothing."""
    await bench.post(trigger, b"{}")
    last = (await bench.deliveries(trigger))[0]
    return last["status"], last["reason"]


async def test_nobody_gains_the_owners_rights_by_writing_a_version(bench, kernel):
    _, (owner, editor) = await members(bench, "editor")
    workflow = await owner.workflow(saying("first"))
    trigger = await owner.trigger(workflow, UNSIGNED)
    assert await ran(kernel, owner, trigger) == ("first", EVERYTHING)
    await write(editor, workflow, "theirs")
    assert await ran(kernel, owner, trigger) == ("theirs", EDITORS)
    fired = await owner.fire(trigger)
    assert fired["status"] == "pending"
    await write(owner, workflow, "the owner's")
    assert await ran(kernel, owner, trigger) == ("the owner's", EVERYTHING)


async def test_nor_by_moving_a_label_to_one(bench, kernel):
    _, (owner, editor) = await members(bench, "editor")
    workflow = await owner.workflow(saying("first"))
    label = f"/v1/workflows/{workflow['id']}/labels/live"
    await owner.call("PUT", label, {"version": 1})
    trigger = await owner.trigger(workflow, UNSIGNED, label="live")
    await write(editor, workflow, "theirs")
    assert await ran(kernel, owner, trigger) == ("first", EVERYTHING)
    await editor.call("PUT", label, {"version": 2})
    assert await ran(kernel, owner, trigger) == ("theirs", EDITORS)


async def test_an_owner_answers_for_the_version_that_they_chose(bench, kernel):
    _, (owner, editor) = await members(bench, "editor")
    workflow = await editor.workflow(saying("theirs"))
    trigger = await owner.trigger(workflow, UNSIGNED)
    assert await ran(kernel, owner, trigger) == ("theirs", EVERYTHING)
    await write(editor, workflow, "another")
    assert await ran(kernel, owner, trigger) == ("another", EDITORS)
    await owner.change(trigger, name="Looked at again")
    assert await ran(kernel, owner, trigger) == ("another", EVERYTHING)


async def test_an_author_who_may_do_more_gives_the_owner_nothing(bench, kernel):
    _, (owner, editor) = await members(bench, "editor")
    workflow = await editor.workflow(saying("first"))
    trigger = await editor.trigger(workflow, UNSIGNED)
    await write(owner, workflow, "the owner's")
    assert await ran(kernel, editor, trigger) == ("the owner's", EDITORS)


async def test_what_nobody_answers_for_waits_for_another_version(bench, kernel):
    team, (owner, editor) = await members(bench, "editor")
    workflow = await owner.workflow(saying("first"))
    trigger = await owner.trigger(workflow, UNSIGNED)
    await write(editor, workflow, "theirs")
    member = await team.member_of(bench.person, editor.person)
    path = f"/v1/members/{member['id']}"
    await owner.call("PATCH", path, {"role": "viewer"})
    assert await refused(owner, trigger) == ("skipped", LACKS)
    await owner.call("DELETE", path, expect=204)
    assert await refused(owner, trigger) == ("skipped", LACKS)
    assert (await owner.fire(trigger, expect=403))["code"] == LACKS
    shown = await owner.show(trigger)
    assert (shown["enabled"], shown["failures"]) == (True, 0)
    await write(owner, workflow, "again")
    assert await ran(kernel, owner, trigger) == ("again", EVERYTHING)
    await owner.change(trigger, workflow_version=2)
    assert await ran(kernel, owner, trigger) == ("theirs", EVERYTHING)


async def test_one_of_before_is_held_to_the_author(bench, kernel):
    """A trigger that an earlier version of the service kept, and a version without an author."""
    workflow = await bench.workflow(saying("first"))
    trigger = await bench.trigger(workflow, UNSIGNED)
    trigger_id, workflow_id = UUID(trigger["id"]), UUID(workflow["id"])
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.get(WorkflowTrigger, trigger_id)
        row.caller = {name: each for name, each in row.caller.items() if name != "answers_for"}
    assert await ran(kernel, bench, trigger) == ("first", EVERYTHING)
    async with kernel.database.unit(SYSTEM) as session:
        versions = update(WorkflowVersion).where(WorkflowVersion.workflow_id == workflow_id)
        await session.execute(versions.values(created_by_id=None))
    assert await refused(bench, trigger) == ("skipped", LACKS)
