"""/scim/v2/Users, and the members and accounts behind them."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.core.db import SYSTEM
from app.identity.scim.models import ScimUser
from app.identity.sessions.models import UserSession
from app.identity.users.models import User
from app.identity.workspaces.models import Membership
from tests.identity.scim.conftest import USER, new_directory
from tests.support.audit import trail
from tests.support.fakes.idp import Subject
from tests.support.identity import PASSWORD, bearer, new_key, new_person, register, sign_in
from tests.support.mail import Inbox
from tests.support.sso import begin


async def behind(kernel, directory, person):
    """The account and the membership of a SCIM user."""
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.get(ScimUser, UUID(person["id"]))
        if row is None or row.user_id is None:
            return None, None
        place = await session.scalar(
            select(Membership).where(
                Membership.user_id == row.user_id,
                Membership.workspace_id == UUID(directory.owner.workspace_id),
            )
        )
        return await session.get(User, row.user_id), place


async def confirm(http, kernel, email):
    """What the owner of an address does with the mail that registration sends there."""
    token = await Inbox(kernel.settings.data_dir, email).token("Confirm your e-mail")
    assert (await http.post("/v1/auth/verify-email", json={"token": token})).status_code == 200


async def test_a_user_becomes_a_member_with_a_managed_account(directory, sso_kernel):
    body = directory.someone(
        externalId="00u1",
        name={"givenName": "Ada", "familyName": "Lovelace"},
        emails=[{"value": "ada@elsewhere.example", "type": "home"}],
    )
    answer = await directory.ask("POST", "/Users", body)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/scim+json"
    person = answer.json()
    assert answer.headers["location"] == person["meta"]["location"]
    assert answer.headers["etag"] == person["meta"]["version"]
    assert person["active"] is True
    assert person["name"] == body["name"]
    user, place = await behind(sso_kernel, directory, person)
    assert (user.email, user.name) == (body["userName"], "Ada Lovelace")
    assert user.password_hash is None
    assert place.role == "viewer"
    shown = await directory.ask("GET", f"/Users/{person['id']}")
    assert shown.json() == person


async def test_who_was_provisioned_signs_in_by_the_connection(http, directory, provider):
    person = await directory.add()
    provider.subject = Subject(uuid4().hex, person["userName"], verified=None)
    answer = await (await begin(http, email=person["userName"])).complete()
    assert answer.status_code == 200, answer.text


async def test_a_user_is_created_once(directory):
    body = directory.someone()
    assert (await directory.ask("POST", "/Users", body)).status_code == 201
    body["userName"] = body["userName"].upper()
    answer = await directory.ask("POST", "/Users", body)
    assert answer.status_code == 409
    assert answer.json()["scimType"] == "uniqueness"


DEACTIVATIONS = [
    {"op": "replace", "value": {"active": False}},  # Okta
    {"op": "Replace", "path": "active", "value": "False"},  # Entra ID
    {"op": "replace", "path": "active", "value": False},
]


@pytest.mark.parametrize("operation", DEACTIVATIONS, ids=str)
async def test_deactivating_suspends_the_member_and_the_managed_account(
    http, directory, sso_kernel, provider, operation
):
    person = await directory.add()
    provider.subject = Subject(uuid4().hex, person["userName"], verified=None)
    tokens = (await (await begin(http, email=person["userName"])).complete()).json()
    headers = bearer(tokens["access_token"])
    assert (await http.get("/v1/me", headers=headers)).status_code == 200
    answer = await directory.patch(person, operation)
    assert (answer.status_code, answer.json()["active"]) == (200, False)
    user, place = await behind(sso_kernel, directory, person)
    assert (user.status, user.deactivated_by) == ("deactivated", "organisation")
    assert place.suspended_at is not None
    assert (await http.get("/v1/me", headers=headers)).status_code == 401
    back = await directory.patch(person, {"op": "replace", "path": "active", "value": True})
    assert back.json()["active"] is True
    user, place = await behind(sso_kernel, directory, person)
    assert (user.status, place.suspended_at) == ("active", None)


async def test_deleting_ends_the_membership_and_the_managed_account(directory, sso_kernel):
    person = await directory.add()
    user, _ = await behind(sso_kernel, directory, person)
    path = f"/Users/{person['id']}"
    assert (await directory.ask("DELETE", path)).status_code == 204
    gone = await directory.ask("GET", path)
    assert (gone.status_code, gone.json()["status"]) == (404, "404")
    async with sso_kernel.database.unit(SYSTEM) as session:
        left = await session.get(User, user.id)
        assert left.status == "deactivated"
        assert (
            await session.scalar(
                select(Membership.id).where(
                    Membership.user_id == user.id,
                    Membership.workspace_id == UUID(directory.owner.workspace_id),
                )
            )
        ) is None


async def test_an_account_that_was_there_before_loses_its_membership_alone(
    http, directory, sso_kernel
):
    account = await register(http, f"{uuid4().hex}@{directory.domain}")
    await confirm(http, sso_kernel, account["email"])
    body = {"schemas": [USER], "userName": account["email"]}
    person = (await directory.ask("POST", "/Users", body)).json()
    user, place = await behind(sso_kernel, directory, person)
    assert str(user.id) == account["id"]
    assert place.role == "viewer"
    await directory.patch(person, {"op": "replace", "path": "active", "value": False})
    user, place = await behind(sso_kernel, directory, person)
    assert (user.status, place.suspended_at is not None) == ("active", True)
    await directory.ask("DELETE", f"/Users/{person['id']}")
    login = {"email": account["email"], "password": PASSWORD, "refresh_token_in": "body"}
    assert (await http.post("/v1/auth/login", json=login)).status_code == 200


async def test_who_registered_anothers_address_does_not_become_the_member(
    http, directory, sso_kernel
):
    stranger = await new_person(http, f"{uuid4().hex}@{directory.domain}")
    key = await new_key(http, stranger)
    body = {"schemas": [USER], "userName": stranger.email}
    inactive = (await directory.ask("POST", "/Users", body | {"active": False})).json()
    assert (await http.get("/v1/me", headers=stranger.headers)).status_code == 200
    await directory.patch(inactive, {"op": "replace", "path": "active", "value": True})
    user, place = await behind(sso_kernel, directory, inactive)
    assert (str(user.id), place.role) == (stranger.user_id, "viewer")
    for headers in (stranger.headers, bearer(key["key"])):
        assert (await http.get("/v1/me", headers=headers)).status_code == 401
    login = {"email": stranger.email, "password": PASSWORD, "refresh_token_in": "body"}
    assert (await http.post("/v1/auth/login", json=login)).status_code == 401
    [noted] = await trail(http, directory.owner, action="scim_user.address_proved")
    assert noted["detail"] == {"sessions_ended": 1}
    await http.post("/v1/auth/forgot-password", json={"email": stranger.email})
    inbox = Inbox(sso_kernel.settings.data_dir, stranger.email)
    fresh = {"token": await inbox.token("Set a new password"), "new_password": "quite other words"}
    assert (await http.post("/v1/auth/reset-password", json=fresh)).status_code == 204
    owner = await sign_in(http, stranger.email, "quite other words")
    places = (await http.get("/v1/workspaces", headers=bearer(owner["access_token"]))).json()
    assert directory.owner.workspace_id in {each["id"] for each in places["data"]}


async def test_an_owner_who_never_confirmed_their_address_stays(http, directory, sso_kernel):
    owner = directory.owner
    async with sso_kernel.database.unit(SYSTEM) as session:
        user = await session.get(User, UUID(owner.user_id))
        user.email = f"{uuid4().hex}@{directory.domain}"
        body = {"schemas": [USER], "userName": user.email}
    assert (await directory.ask("POST", "/Users", body)).status_code == 201
    assert (await http.get("/v1/me", headers=owner.headers)).status_code == 200


async def test_an_account_of_another_domain_is_never_reached(http, directory, sso_kernel):
    stranger = await new_person(http)
    body = {
        "schemas": [USER],
        "userName": stranger.email,
        "active": False,
        "emails": [{"value": stranger.email, "primary": True}],
    }
    person = (await directory.ask("POST", "/Users", body)).json()
    assert await behind(sso_kernel, directory, person) == (None, None)
    await directory.ask("DELETE", f"/Users/{person['id']}")
    assert (await http.get("/v1/me", headers=stranger.headers)).status_code == 200


async def test_an_owner_is_never_locked_out(http, directory, sso_kernel):
    person = await directory.add()
    _, place = await behind(sso_kernel, directory, person)
    async with sso_kernel.database.unit(SYSTEM) as session:
        (await session.get(Membership, place.id)).role = "owner"
    await directory.patch(person, {"op": "replace", "path": "active", "value": False})
    user, place = await behind(sso_kernel, directory, person)
    assert (user.status, place.suspended_at, place.role) == ("active", None, "owner")


async def test_putting_replaces_what_the_directory_said(directory):
    person = await directory.add(title="Engineer", nickName="Ada")
    body = {"schemas": [USER], "userName": person["userName"], "title": "Countess"}
    answer = await directory.ask("PUT", f"/Users/{person['id']}", body)
    assert answer.status_code == 200
    assert answer.json()["title"] == "Countess"
    assert "nickName" not in answer.json()


async def test_paths_with_filters_are_patched(directory):
    work = {"type": "work", "value": "a@work.example"}
    person = await directory.add(emails=[work, {"type": "home", "value": "a@home.example"}])
    answer = await directory.patch(
        person,
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "b@work.example"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+1 555 0100"},
        {"op": "remove", "path": 'emails[type eq "home"]'},
        {"op": "add", "value": {"name.familyName": "Byron", "title": "Countess"}},
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["emails"] == [{"type": "work", "value": "b@work.example"}]
    assert told["phoneNumbers"] == [{"type": "mobile", "value": "+1 555 0100"}]
    assert (told["name"], told["title"]) == ({"familyName": "Byron"}, "Countess")


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "replace", "path": "emails[", "value": "x"}, "invalidPath"),
        ({"op": "turn", "path": "title", "value": "x"}, "invalidValue"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
    ],
    ids=str,
)
async def test_a_bad_patch_is_told_in_the_envelope(directory, operation, scim_type):
    person = await directory.add()
    answer = await directory.patch(person, operation)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/scim+json"
    assert answer.json()["scimType"] == scim_type


async def test_filters_and_pages(directory):
    people = [await directory.add(externalId=f"ext-{n}", title=f"T{n % 2}") for n in range(5)]

    async def found(query):
        answer = await directory.ask("GET", f"/Users?{query}")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return body["totalResults"], [each["id"] for each in body.get("Resources", [])]

    ids = [each["id"] for each in people]
    name = people[2]["userName"].upper()
    assert await found(f'filter=userName eq "{name}"') == (1, [ids[2]])
    assert await found('filter=externalId eq "ext-3"') == (1, [ids[3]])
    assert await found('filter=externalId eq "none"') == (0, [])
    both = 'filter=externalId eq "ext-1" or externalId eq "ext-4"'
    assert await found(both) == (2, [ids[1], ids[4]])
    assert await found('filter=title eq "T0" and active eq true') == (3, ids[::2])
    assert await found('filter=title eq "T0" and not (externalId eq "ext-0")') == (2, ids[2::2])
    assert await found("startIndex=2&count=2") == (5, ids[1:3])
    assert await found("count=0") == (5, [])
    assert await found('filter=title eq "T0"&startIndex=2&count=1') == (3, [ids[2]])
    bad = await directory.ask("GET", "/Users?filter=userName is nice")
    assert (bad.status_code, bad.json()["scimType"]) == (400, "invalidFilter")


async def test_attributes_can_be_chosen(directory):
    person = await directory.add(title="Countess")
    one = (await directory.ask("GET", f"/Users/{person['id']}?attributes=title")).json()
    assert set(one) == {"schemas", "id", "title"}
    other = (await directory.ask("GET", f"/Users/{person['id']}?excludedAttributes=title")).json()
    assert "title" not in other


async def test_versions_are_entity_tags(directory):
    person = await directory.add()
    path, version = f"/Users/{person['id']}", person["meta"]["version"]
    same = await directory.ask("GET", path, **{"If-None-Match": version})
    assert same.status_code == 304
    body = directory.someone()
    changed = await directory.ask("PUT", path, body, **{"If-Match": version})
    assert changed.status_code == 200
    assert changed.headers["etag"] != version
    stale = await directory.ask("PUT", path, body, **{"If-Match": version})
    assert (stale.status_code, stale.json()["status"]) == (412, "412")


async def test_a_password_is_neither_kept_nor_shown(directory, sso_kernel):
    person = await directory.add(password="a password that came along")
    assert "password" not in person
    async with sso_kernel.database.unit(SYSTEM) as session:
        row = await session.get(ScimUser, UUID(person["id"]))
    assert "password" not in row.attributes


async def test_another_workspaces_directory_sees_nothing(http, directory, provider, name_server):
    person = await directory.add()
    other = await new_directory(http, provider, name_server)
    path = f"/Users/{person['id']}"
    for method, body in (("GET", None), ("PUT", other.someone()), ("DELETE", None)):
        assert (await other.ask(method, path, body)).status_code == 404
    patched = await other.patch(person, {"op": "replace", "path": "active", "value": False})
    assert patched.status_code == 404
    assert (await other.ask("GET", "/Users")).json()["totalResults"] == 0


@pytest.mark.parametrize(
    "body", [[], {}, {"schemas": [USER]}, {"schemas": [USER], "userName": 7}], ids=str
)
async def test_a_bad_body_is_told_in_the_envelope(directory, body):
    answer = await directory.ask("POST", "/Users", body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


async def sessions_of(kernel, user_id):
    async with kernel.database.unit(SYSTEM) as session:
        found = await session.execute(
            select(UserSession.revoked_at, UserSession.revoked_reason).where(
                UserSession.user_id == user_id
            )
        )
        return [(at is not None, reason) for at, reason in found]


@pytest.mark.parametrize("how", ["deactivate", "delete"])
async def test_deprovisioning_ends_the_sessions_of_a_managed_account(
    http, directory, sso_kernel, provider, how
):
    person = await directory.add()
    provider.subject = Subject(uuid4().hex, person["userName"], verified=None)
    assert (await (await begin(http, email=person["userName"])).complete()).status_code == 200
    user, _ = await behind(sso_kernel, directory, person)
    assert await sessions_of(sso_kernel, user.id) == [(False, None)]
    if how == "delete":
        await directory.ask("DELETE", f"/Users/{person['id']}")
    else:
        await directory.patch(person, {"op": "replace", "path": "active", "value": False})
    assert await sessions_of(sso_kernel, user.id) == [(True, "deprovisioned")]
    told = await trail(http, directory.owner)
    actions = [row["action"] for row in told]
    assert "scim_user.provisioned" in actions
    assert "scim_user.deprovisioned" in actions
    assert ("member.removed" if how == "delete" else "member.suspended") in actions


async def test_the_keys_of_who_was_removed_do_not_wake_up_again(http, directory, sso_kernel):
    account = await new_person(http, f"{uuid4().hex}@{directory.domain}")
    await confirm(http, sso_kernel, account.email)
    body = {"schemas": [USER], "userName": account.email}
    person = (await directory.ask("POST", "/Users", body)).json()
    headers = {**account.headers, "X-Workspace-Id": directory.owner.workspace_id}
    role = {"role": "editor"}
    member = await http.get("/v1/members?limit=200", headers=directory.owner.headers)
    place = next(m for m in member.json()["data"] if m["user_id"] == account.user_id)
    path = f"/v1/members/{place['id']}"
    assert (await http.patch(path, json=role, headers=directory.owner.headers)).status_code == 200
    made = await http.post("/v1/api-keys", json={"name": "Key"}, headers=headers)
    key = bearer(made.json()["key"])
    assert (await http.get("/v1/models", headers=key)).status_code == 200
    await directory.ask("DELETE", f"/Users/{person['id']}")
    assert (await directory.ask("POST", "/Users", body)).status_code == 201
    assert (await http.get("/v1/me", headers=headers)).status_code == 200
    refused = await http.get("/v1/models", headers=key)
    assert (refused.status_code, refused.json()["code"]) == (401, "api_key_revoked")


async def test_a_directory_does_not_let_in_whom_an_administrator_suspended(
    http, directory, sso_kernel
):
    person = await directory.add()
    _, place = await behind(sso_kernel, directory, person)
    path = f"/v1/members/{place.id}/suspend"
    assert (await http.post(path, headers=directory.owner.headers)).status_code == 200
    for operation in (
        {"op": "replace", "path": "displayName", "value": "Ada"},
        {"op": "replace", "path": "active", "value": True},
    ):
        assert (await directory.patch(person, operation)).status_code == 200
        _, place = await behind(sso_kernel, directory, person)
        assert place.suspended_at is not None


@pytest.mark.parametrize(
    "odd",
    [
        {"userName": "a\x00b"},
        {"userName": "x" * 5000},
        {"externalId": "x" * 5000},
        {"displayName": "a\x00b"},
        {"displayName": "x" * 200_000},
        {"userName": "(" * 300},
    ],
    ids=lambda odd: repr(odd)[:30],
)
async def test_what_cannot_be_stored_is_refused(directory, odd):
    answer = await directory.ask("POST", "/Users", directory.someone() | odd)
    assert answer.status_code in (201, 400), answer.text
    assert answer.headers["content-type"] == "application/scim+json"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_000 + 'userName eq "x"' + ")" * 20_000,
        "not (" * 5_000 + "active eq true" + ")" * 5_000,
        'userName eq "a\x00b"',
        'userName eq "\\u0000"',
        'userName co ""',
        "emails[" * 3000,
    ],
    ids=lambda text: text[:12],
)
async def test_an_odd_filter_is_refused_or_answered(directory, text):
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": text}
    answer = await directory.ask("POST", "/Users/.search", body)
    assert answer.status_code in (200, 400), answer.text
