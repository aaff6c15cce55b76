"""/v1/invitations."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.invitations.jobs import invitations_job
from app.identity.invitations.models import Invitation
from tests.support.identity import new_key, new_person
from tests.support.mail import Inbox
from tests.support.teams import code, new_team

SUBJECT = "You are invited to"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(address):
    """An owner and two others, for the tests of this module."""
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        return [await new_person(http) for _ in range(3)]


@pytest_asyncio.fixture(loop_scope="session")
async def team(client, people):
    return await new_team(client, people[0], f"Team {uuid4().hex[:8]}")


async def invite(team, host, **body):
    made = await team.call(host, "POST", "/v1/invitations", {"role": "editor", **body})
    assert made.status_code == 201, made.text
    return made.json()


async def link(team, host, **body):
    made = await team.call(host, "POST", "/v1/invitations/links", {"role": "viewer", **body})
    assert made.status_code == 201, made.text
    return made.json()


async def accept(team, person, token):
    path = "/v1/invitations/accept"
    return await team.http.post(path, json={"token": token}, headers=person.headers)


async def change(kernel, invitation, **values):
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.get(Invitation, UUID(invitation["id"]))
        for name, value in values.items():
            setattr(row, name, value)


async def letter_of(team, settings, person):
    listed = await team.http.get(f"/v1/workspaces/{team.id}", headers=person.headers)
    return f"{SUBJECT} {listed.json()['name']}"


async def test_a_mailed_invitation_takes_its_address_in(team, people, settings):
    owner, guest, _ = people
    made = await invite(team, owner, email=guest.email.upper())
    assert (made["status"], made["email"]) == ("pending", guest.email)
    assert "token" not in made
    token = await Inbox(settings.data_dir, guest.email).token(
        await letter_of(team, settings, owner)
    )
    accepted = await accept(team, guest, token)
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["workspace"]["id"] == team.id
    assert accepted.json()["member"]["role"] == "editor"
    shown = await team.call(owner, "GET", f"/v1/invitations/{made['id']}")
    assert shown.json()["status"] == "accepted"
    assert code(await accept(team, guest, token)) == (410, "invitation_ended")
    noted = (await team.call(owner, "GET", "/v1/audit-logs")).json()["data"]
    assert "invitation.accepted" in {line["action"] for line in noted}


async def test_a_mailed_invitation_is_for_nobody_else(team, people, settings):
    owner, guest, thief = people
    await invite(team, owner, email=guest.email)
    subject = await letter_of(team, settings, owner)
    token = await Inbox(settings.data_dir, guest.email).token(subject)
    assert code(await accept(team, thief, token)) == (403, "invitation_for_another")
    assert (await accept(team, guest, token)).status_code == 200


async def test_a_workspace_does_not_flood_a_mailbox(team, people):
    owner, _, _ = people
    body = {"email": "flooded@example.com", "role": "viewer"}
    answers = [await team.call(owner, "POST", "/v1/invitations", body) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    assert answers[-1].json()["code"] == "too_many_invitations"
    bulk = {"items": [body, {"email": "another@example.com", "role": "viewer"}]}
    outcomes = (await team.call(owner, "POST", "/v1/invitations/bulk", bulk)).json()["data"]
    assert [outcome["ok"] for outcome in outcomes] == [False, True]


async def test_a_link_takes_in_as_many_as_it_says_also_at_once(team, people):
    owner, first, second = people
    made = await link(team, owner, max_uses=1)
    answers = await asyncio.gather(*(accept(team, p, made["token"]) for p in (first, second)))
    assert sorted(a.status_code for a in answers) == [200, 410]
    assert made["token"] not in (await team.call(owner, "GET", "/v1/invitations")).text


async def test_a_member_does_not_use_a_link_up(team, people):
    owner, guest, _ = people
    made = await link(team, owner)
    assert code(await accept(team, owner, made["token"])) == (409, "already_member")
    assert (await accept(team, guest, made["token"])).status_code == 200


async def test_an_ended_invitation_is_no_longer_good(team, people, kernel):
    owner, guest, _ = people
    expired, revoked = await link(team, owner), await link(team, owner)
    await change(kernel, expired, expires_at=now() - timedelta(seconds=1))
    for _ in range(2):
        gone = await team.call(owner, "DELETE", f"/v1/invitations/{revoked['id']}")
        assert gone.status_code == 204
    for made, status in ((expired, "expired"), (revoked, "revoked")):
        assert code(await accept(team, guest, made["token"])) == (410, "invitation_ended")
        found = await team.call(owner, "GET", f"/v1/invitations?status={status}")
        assert [i["id"] for i in found.json()["data"]] == [made["id"]]
    unknown = await accept(team, guest, "x" * 43)
    assert code(unknown) == (404, "invitation_not_found")


async def test_an_invitation_ends_with_the_power_of_who_made_it(team, people):
    owner, admin, guest = people
    member_id = await team.take_in(owner, admin, "admin")
    made = await link(team, admin, role="admin")
    await team.call(owner, "PATCH", f"/v1/members/{member_id}", {"role": "editor"})
    assert code(await accept(team, guest, made["token"])) == (410, "invitation_ended")


async def test_an_invitation_into_a_deleted_workspace_is_no_longer_good(team, people):
    owner, guest, _ = people
    made = await link(team, owner)
    await team.http.delete(f"/v1/workspaces/{team.id}", headers=owner.headers)
    assert code(await accept(team, guest, made["token"])) == (410, "invitation_ended")


async def test_nobody_invites_to_more_than_they_have(team, people):
    owner, admin, _ = people
    await team.take_in(owner, admin, "admin")
    for path, who in (("", {"email": "new@example.com"}), ("/links", {})):
        refused = await team.call(admin, "POST", f"/v1/invitations{path}", {"role": "owner", **who})
        assert code(refused) == (403, "role_above_own")


async def test_sending_again_makes_a_new_token_and_ends_the_old_one(team, people, settings, kernel):
    owner, guest, _ = people
    inbox = Inbox(settings.data_dir, guest.email)
    made = await invite(team, owner, email=guest.email)
    subject = await letter_of(team, settings, owner)
    old = await inbox.token(subject)
    path = f"/v1/invitations/{made['id']}/resend"
    assert code(await team.call(owner, "POST", path)) == (429, "invitation_sent_just_now")
    day = timedelta(days=1)
    await change(
        kernel,
        made,
        sent_at=now() - day,
        created_at=now() - day,
        expires_at=now() + timedelta(days=6),
    )
    again = await team.call(owner, "POST", path)
    assert again.status_code == 200, again.text
    assert now() + timedelta(days=6.9) < now().fromisoformat(again.json()["expires_at"])
    for _ in range(200):
        if (new := await inbox.token(subject)) != old:
            break
        await asyncio.sleep(0.02)
    assert code(await accept(team, guest, old)) == (404, "invitation_not_found")
    assert (await accept(team, guest, new)).status_code == 200
    assert code(await team.call(owner, "POST", path)) == (410, "invitation_ended")


async def test_a_second_invitation_of_an_address_ends_the_first(team, people):
    owner = people[0]
    email = f"{uuid4().hex}@example.com"
    first, second = [await invite(team, owner, email=email) for _ in range(2)]
    states = [
        (await team.call(owner, "GET", f"/v1/invitations/{i['id']}")).json()["status"]
        for i in (first, second)
    ]
    assert states == ["revoked", "pending"]


async def test_many_are_invited_item_by_item(team, people):
    owner, member, _ = people
    await team.take_in(owner, member)
    fresh = [f"{uuid4().hex}@example.com" for _ in range(3)]
    items = [{"email": e, "role": "viewer"} for e in (fresh[0], member.email, *fresh[1:])]
    items[2]["role"] = "custom"
    answer = await team.call(owner, "POST", "/v1/invitations/bulk", {"items": items})
    outcomes = answer.json()["data"]
    assert [o["ok"] for o in outcomes] == [True, False, False, True]
    assert [o["error"]["code"] for o in outcomes if o["error"]] == [
        "already_member",
        "role_unknown",
    ]
    pending = await team.call(owner, "GET", "/v1/invitations?status=pending")
    assert {i["email"] for i in pending.json()["data"]} == {fresh[0], fresh[2]}


async def test_a_dry_run_invites_nobody(team, people, settings):
    owner = people[0]
    email = f"{uuid4().hex}@example.com"
    body = {"email": email, "role": "viewer"}
    tried = await team.call(owner, "POST", "/v1/invitations?dry_run=true", body)
    assert (tried.status_code, tried.headers["dry-run"]) == (201, "true")
    assert email not in (await team.call(owner, "GET", "/v1/invitations")).text
    assert Inbox(settings.data_dir, email).letters() == []


async def test_thirty_days_after_its_end_an_invitation_is_forgotten(team, people, kernel):
    owner = people[0]
    long_ago = now() - timedelta(days=31)
    expired, revoked, kept = [await link(team, owner) for _ in range(3)]
    await change(kernel, expired, expires_at=long_ago)
    await change(kernel, revoked, revoked_at=long_ago)
    await change(kernel, kept, expires_at=now() - timedelta(days=29))
    await invitations_job(kernel).run()
    listed = (await team.call(owner, "GET", "/v1/invitations")).json()["data"]
    assert [i["id"] for i in listed] == [kept["id"]]


async def test_a_key_accepts_nothing(team, people):
    owner, guest, _ = people
    made = await link(team, owner)
    key = await new_key(team.http, guest, scopes=["profile:write"])
    headers = {"Authorization": f"Bearer {key['key']}"}
    path = "/v1/invitations/accept"
    answer = await team.http.post(path, json={"token": made["token"]}, headers=headers)
    assert code(answer) == (403, "session_required")


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("", {"role": "viewer"}, "/body/email"),
        ("", {"email": "nobody", "role": "viewer"}, "/body/email"),
        ("", {"email": "a@example.com", "role": "viewer", "expires_in_hours": 0},
         "/body/expires_in_hours"),
        ("/links", {"role": "viewer", "max_uses": 0}, "/body/max_uses"),
        ("/links", {"role": "viewer", "max_uses": 1001}, "/body/max_uses"),
        ("/links", {"role": "viewer", "email": "a@example.com"}, "/body/email"),
        ("/bulk", {"items": []}, "/body/items"),
        ("/bulk", {"items": [{"email": "a@example.com", "role": "viewer"}] * 501}, "/body/items"),
        ("/accept", {"token": "x" * 101}, "/body/token"),
    ],
)  # fmt: skip
async def test_a_bad_field_is_named(team, people, path, body, pointer):
    answer = await team.call(people[0], "POST", f"/v1/invitations{path}", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
