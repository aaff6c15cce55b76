"""Who decides what holds, and what a change does to a decision."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from app.core.auth import Access
from app.core.db import SYSTEM
from app.identity.workspaces.models import Membership
from app.knowledge.dictionary.entries import review
from tests.knowledge.dictionary.conftest import Keeper, term
from tests.oversight.privacy.conftest import new_team
from tests.support.audit import trail
from tests.support.identity import bearer, new_key
from tests.support.privacy import ask_for_erasure, carry_out

WRITES = ["dictionary:read", "dictionary:write"]


@pytest.fixture
async def writer(keeper, client):
    """The keeper's key, which may write and not approve."""
    key = await new_key(client, keeper.person, scopes=WRITES)

    class Writer(Keeper):
        async def ask(self, method, path, body=None, **headers):
            headers = {**bearer(key["key"]), **headers}
            return await self.http.request(method, path, json=body, headers=headers)

    return Writer(client, keeper.person, keeper.dictionary_id)


async def test_an_entry_goes_from_draft_to_approved_and_out_of_use(keeper):
    entry, other = await keeper.add(term("cell")), await keeper.add(term("unit"))
    assert (await keeper.do(entry["id"], "propose"))["status"] == "proposed"
    approved = await keeper.do(entry["id"], "approve", {"comment": "Fine."})
    assert (approved["status"], approved["review_comment"]) == ("approved", "Fine.")
    assert approved["reviewed_by_id"] == keeper.person.user_id
    gone = await keeper.do(entry["id"], "deprecate", {"replaced_by_id": other["id"]})
    assert (gone["status"], gone["replaced_by_id"]) == ("deprecated", other["id"])
    again = await keeper.do(entry["id"], "propose")
    assert (again["status"], again["replaced_by_id"], again["version"]) == ("proposed", None, 5)


async def test_a_rejected_entry_is_a_draft_again_and_says_why(keeper):
    entry = await keeper.add(term("cell"), status="proposed")
    path = f"{keeper.entries}/{entry['id']}/reject"
    assert await keeper.refused("POST", path, {}) == (422, "validation_failed")
    rejected = await keeper.do(entry["id"], "reject", {"comment": "Too vague."})
    assert (rejected["status"], rejected["review_comment"]) == ("draft", "Too vague.")


async def test_a_step_that_the_status_does_not_allow_is_refused(keeper):
    entry = await keeper.add(term("cell"))
    for action, body in (("approve", None), ("reject", {"comment": "no"})):
        path = f"{keeper.entries}/{entry['id']}/{action}"
        assert await keeper.refused("POST", path, body) == (409, "transition_refused")
    await keeper.do(entry["id"], "propose")
    again = f"{keeper.entries}/{entry['id']}/propose"
    assert await keeper.refused("POST", again) == (409, "transition_refused")


async def test_who_may_not_approve_proposes(keeper, writer):
    entry = await writer.add(term("cell"), status="proposed")
    for action, body in (("approve", None), ("reject", {"comment": "no"})):
        path = f"{keeper.entries}/{entry['id']}/{action}"
        assert await writer.refused("POST", path, body) == (403, "scope_missing")
    at_once = {
        "dictionary_id": keeper.dictionary_id, "terms": [term("x")], "status": "approved",
    }  # fmt: skip
    assert await writer.refused("POST", keeper.entries, at_once) == (403, "approval_needed")


async def test_in_bulk_each_decision_is_refused_to_who_may_not_make_it(keeper, writer):
    draft, proposed = await keeper.add(term("a")), await keeper.add(term("b"), status="proposed")
    items = [
        {"action": "propose", "id": draft["id"]},
        {"action": "approve", "id": proposed["id"]},
        {"action": "reject", "id": proposed["id"], "comment": "no"},
    ]
    done = await writer.done("POST", f"{keeper.entries}/bulk", {"items": items})
    codes = [each["error"] and each["error"]["code"] for each in done["data"]]
    assert codes == [None, "approval_needed", "approval_needed"]
    assert (await keeper.show(proposed["id"]))["status"] == "proposed"


async def test_a_writer_s_change_waits_for_approval_again_and_an_approver_s_does_not(
    keeper, writer
):
    entry = await keeper.add(term("cell"), status="approved")
    kept = await keeper.change(entry["id"], notes=["by an approver"])
    assert (kept["status"], kept["reviewed_by_id"]) == ("approved", keeper.person.user_id)
    changed = await writer.change(entry["id"], notes=["by a writer"])
    assert changed["status"] == "proposed"
    await keeper.do(entry["id"], "approve")
    reverted = await writer.do(entry["id"], "revert", {"version": 1})
    assert (reverted["status"], reverted["notes"]) == ("proposed", [])


async def test_a_replacement_leads_nowhere_in_a_circle(keeper):
    first, second, third = [await keeper.add(term(name)) for name in ("a", "b", "c")]
    await keeper.do(first["id"], "deprecate", {"replaced_by_id": second["id"]})
    await keeper.do(second["id"], "deprecate", {"replaced_by_id": third["id"]})
    for target in (first, third):
        path = f"{keeper.entries}/{third['id']}/deprecate"
        answer = await keeper.ask("POST", path, {"replaced_by_id": target["id"]})
        assert answer.json()["errors"][0]["code"] == "replacement_cycle"


async def test_decisions_stand_in_the_audit_trail(keeper):
    entry = await keeper.add(term("cell"), status="proposed")
    await keeper.do(entry["id"], "approve", {"comment": "As we say it."})
    rows = await trail(keeper.http, keeper.person, action="dictionary_entries_approve")
    [row] = [row for row in rows if entry["id"] in str(row)]
    assert (row["resource"]["type"], row["actor"]["id"]) == (
        "terminology_entry",
        keeper.person.user_id,
    )
    assert row["detail"] == {"from": "proposed", "to": "approved", "comment": "As we say it."}


async def promote(kernel, team):
    """Let the member approve, too."""
    raised = update(Membership).where(
        Membership.user_id == UUID(team.member.user_id),
        Membership.workspace_id == UUID(team.workspace_id),
    )
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(raised.values(role="admin"))


async def test_an_erased_account_leaves_the_entries_and_their_history_and_not_its_id(
    client, kernel
):
    team = await new_team(client, kernel)
    await promote(kernel, team)
    workspace = {"X-Workspace-Id": team.workspace_id}
    owner, member = (
        Keeper(client, replace(person, headers=person.headers | workspace))
        for person in (team.owner, team.member)
    )
    made = await owner.made("/v1/dictionaries", {"slug": "words"})
    owner.dictionary_id = member.dictionary_id = made["id"]
    entry = await member.add(term("cell"), status="approved", comment="It was me.")
    await carry_out(client, kernel, await ask_for_erasure(client, team.member))
    after = await owner.show(entry["id"])
    nobody = {
        "created_by_id": None, "reviewed_by_id": None, "review_comment": None,
        "updated_at": after["updated_at"],
    }  # fmt: skip
    assert after == {**entry, **nobody}
    assert (await owner.change(entry["id"], notes=["later"]))["version"] == 2
    history = await owner.done("GET", f"{owner.entries}/{entry['id']}/revisions")
    told = [(each["version"], each["changed_by_id"], each["comment"]) for each in history["data"]]
    assert told == [(2, team.owner.user_id, None), (1, None, None)]


async def test_two_that_name_each_other_at_once_do_not_both_replace(keeper, kernel):
    one, other = await keeper.add(term("one")), await keeper.add(term("other"))
    person = keeper.person
    access = Access(
        UUID(person.workspace_id), UUID(person.user_id), frozenset(), "session", uuid4()
    )
    async with kernel.database.unit(access.scope) as session:
        await review.transition(
            session, access, UUID(one["id"]), "deprecate", replaced_by_id=UUID(other["id"])
        )
        path = f"{keeper.entries}/{other['id']}/deprecate"
        second = asyncio.create_task(keeper.ask("POST", path, {"replaced_by_id": one["id"]}))
        await asyncio.wait([second], timeout=0.5)
    answer = await second
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "replacement_cycle")
