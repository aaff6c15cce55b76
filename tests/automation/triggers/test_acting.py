"""On whose behalf triggers act, what switches them off, and what is seen of them."""

from dataclasses import replace
from uuid import UUID

from app.automation.workflows.models import Workflow
from app.core.db import SYSTEM
from app.identity.users.models import User
from tests.automation.triggers.conftest import ECHO, Bench
from tests.automation.triggers.test_webhooks import UNSIGNED
from tests.support.identity import bearer, new_key, new_person
from tests.support.teams import new_team

NAMED = {**ECHO, "inputs": {"type": "object", "required": ["name"]}}
FORM = {"kind": "form", "title": "Ask", "json_schema": {}, "access": "public"}


async def members(bench, *roles):
    """A bench in a fresh team for its owner, and one for each role."""
    team = await new_team(bench.http, bench.person)
    people = [bench.person]
    for role in roles:
        person = await new_person(bench.http)
        await team.take_in(bench.person, person, role)
        people.append(person)
    return team, [
        Bench(bench.http, replace(each, workspace_id=team.id, headers=team.headers(each)))
        for each in people
    ]


async def test_a_trigger_acts_with_the_rights_that_its_owner_has_by_then(bench):
    team, (owner, editor) = await members(bench, "editor")
    trigger = await editor.trigger(await owner.workflow(), UNSIGNED)
    await editor.post(trigger, b'{"n": 1}')
    assert (await editor.deliveries(trigger))[0]["status"] == "started"
    member = await team.member_of(bench.person, editor.person)
    await owner.call("PATCH", f"/v1/members/{member['id']}", {"role": "viewer"})
    await editor.post(trigger, b'{"n": 2}')
    refused = (await owner.deliveries(trigger))[0]
    assert (refused["status"], refused["reason"]) == (
        "refused",
        "workflow_trigger_owner_lacks_right",
    )
    shown = await owner.show(trigger)
    assert (shown["enabled"], shown["disabled_reason"]) == (False, refused["reason"])
    await editor.post(trigger, b'{"n": 3}', expect=409)
    # Whoever switches it on again answers for what it does.
    taken_over = await owner.change(trigger, enabled=True)
    assert taken_over["owner_id"] == owner.person.user_id
    assert taken_over["disabled_reason"] is None
    await editor.post(taken_over, b'{"n": 4}')
    assert (await owner.deliveries(trigger))[0]["status"] == "started"


async def test_a_trigger_whose_owner_has_left_says_so(bench):
    team, (owner, editor) = await members(bench, "editor")
    trigger = await editor.trigger(await owner.workflow(), UNSIGNED)
    member = await team.member_of(bench.person, editor.person)
    await owner.call("DELETE", f"/v1/members/{member['id']}", expect=204)
    await editor.post(trigger, b"{}")
    refused = (await owner.deliveries(trigger))[0]
    assert (refused["status"], refused["detail"]) == (
        "refused",
        "The trigger's owner has left the workspace.",
    )


async def test_a_trigger_runs_its_workflow_and_no_other_that_is_called_as_its_id(bench, kernel):
    workflow, other = await bench.workflow(), await bench.workflow()
    trigger = await bench.trigger(workflow, UNSIGNED)
    # As one may be called that was made before such slugs were refused.
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.get(Workflow, UUID(other["id"]))
        row.slug = workflow["id"]
    await bench.call("DELETE", f"/v1/workflows/{workflow['id']}", expect=204)
    await bench.post(trigger, b"{}")
    (skipped,) = await bench.deliveries(trigger)
    assert (skipped["status"], skipped["reason"]) == ("skipped", "workflow_not_found")


async def deactivate(kernel, person):
    async with kernel.database.unit(SYSTEM) as session:
        user = await session.get(User, UUID(person.user_id))
        user.status = "deactivated"


async def test_a_trigger_of_a_deactivated_account_starts_nothing(bench, kernel):
    _, (owner, editor, author) = await members(bench, "editor", "editor")
    workflow = await owner.workflow()
    trigger = await editor.trigger(workflow, UNSIGNED)
    another = await owner.trigger(workflow, UNSIGNED)
    changed = {"definition": {**ECHO, "outputs": "{{ inputs }}"}}
    await author.call("PATCH", f"/v1/workflows/{workflow['id']}", changed)
    for person in (editor.person, author.person):
        await deactivate(kernel, person)
    for each, reason in (
        (trigger, "workflow_trigger_owner_lacks_right"),
        (another, "workflow_trigger_author_lacks_right"),
    ):
        await owner.post(each, b"{}")
        assert (await owner.deliveries(each))[0]["reason"] == reason


async def test_a_trigger_of_a_key_ends_with_the_key(bench):
    key = await new_key(bench.http, bench.person)
    keyed = Bench(bench.http, replace(bench.person, headers=bearer(key["key"])))
    trigger = await keyed.trigger(await keyed.workflow(), UNSIGNED)
    await bench.call("DELETE", f"/v1/api-keys/{key['id']}", expect=204)
    await bench.post(trigger, b"{}")
    (delivery,) = await bench.deliveries(trigger)
    assert (delivery["status"], delivery["reason"]) == ("refused", "workflow_trigger_key_ended")
    assert not (await bench.show(trigger))["enabled"]


async def test_a_workflow_that_is_switched_off_is_skipped_and_can_be_made_up_for(bench):
    workflow = await bench.workflow(enabled=False)
    trigger = await bench.trigger(workflow, UNSIGNED)
    await bench.post(trigger, b'{"n": 1}')
    (skipped,) = await bench.deliveries(trigger)
    assert (skipped["status"], skipped["reason"]) == ("skipped", "workflow_disabled")
    shown = await bench.show(trigger)
    assert (shown["enabled"], shown["failures"]) == (True, 0)
    await bench.call("PATCH", f"/v1/workflows/{workflow['id']}", {"enabled": True})
    path = f"/v1/workflow-triggers/{trigger['id']}/deliveries/{skipped['id']}/retry"
    await bench.call("POST", path, expect=202)
    (started,) = await bench.deliveries(trigger)
    assert started["status"] == "started"
    assert await bench.output(started["run_id"]) == {"n": 1}
    await bench.call("POST", path, expect=409)


async def test_starts_that_fail_in_a_row_switch_it_off(bench):
    trigger = await bench.trigger(await bench.workflow(NAMED), UNSIGNED, max_failures=2)
    for body, failures, enabled in (
        (b"{}", 1, True),
        (b'{"name": "Ada"}', 0, True),
        (b"{}", 1, True),
        (b"{}", 2, False),
    ):
        await bench.post(trigger, body)
        last = (await bench.deliveries(trigger))[0]
        assert last["reason"] == ("workflow_inputs_invalid" if failures else None)
        shown = await bench.show(trigger)
        assert (shown["failures"], shown["enabled"]) == (failures, enabled)
    assert shown["disabled_reason"] == "too_many_failures"
    assert (await bench.change(trigger, enabled=True))["failures"] == 0


async def test_firing_shows_what_a_run_is_given_and_a_dry_run_begins_none(bench):
    inputs = {"name": "{{ body.who }}", "at": "{{ headers['x-at'] }}"}
    trigger = await bench.trigger(await bench.workflow(NAMED), UNSIGNED, inputs=inputs)
    sample = {"body": {"who": "Ada"}, "headers": {"X-At": "noon"}}
    tried = await bench.fire(trigger, dry_run=True, **sample)
    assert tried["inputs"] == {"name": "Ada", "at": "noon"}
    path = f"/v1/workflow-triggers/{trigger['id']}/deliveries"
    assert (await bench.call("GET", path))["data"] == []
    lacking = await bench.fire(trigger, expect=422)
    assert lacking["code"] == "workflow_trigger_inputs_invalid"
    fired = await bench.fire(trigger, **sample)
    (delivery,) = await bench.deliveries(trigger)
    assert delivery["id"] == fired["id"]
    assert await bench.output(delivery["run_id"]) == tried["inputs"]


async def test_others_see_the_triggers_of_what_they_see_and_no_addresses(bench):
    _, (owner, editor) = await members(bench, "editor")
    private = await owner.trigger(await owner.workflow(visibility="private"), UNSIGNED)
    open_one = await owner.trigger(await owner.workflow(), FORM)
    listed = await editor.call("GET", "/v1/workflow-triggers")
    assert [each["id"] for each in listed["data"]] == [open_one["id"]]
    assert (listed["data"][0]["url"], open_one["url"] is None) == (None, False)
    path = f"/v1/workflow-triggers/{private['id']}"
    assert (await editor.call("GET", path, expect=404))["code"] == "workflow_trigger_not_found"
    refused = await editor.fire(open_one, expect=403)
    assert refused["code"] == "workflow_trigger_not_yours"
    secret = {"what": "url"}
    rotate = f"/v1/workflow-triggers/{open_one['id']}/rotate"
    await editor.call("POST", rotate, secret, expect=403)


async def test_a_restored_trigger_waits_for_the_next_time_alone(bench):
    on = {"kind": "cron", "expression": "0 12 * * *"}
    trigger = await bench.trigger(await bench.workflow(), on)
    path = f"/v1/workflow-triggers/{trigger['id']}"
    await bench.call("DELETE", path, expect=204)
    await bench.call("GET", path, expect=404)
    restored = await bench.call("POST", f"{path}/restore")
    assert (restored["next_at"], restored["enabled"]) == (trigger["next_at"], True)
    off = await bench.change(trigger, enabled=False)
    assert off["next_at"] is None
