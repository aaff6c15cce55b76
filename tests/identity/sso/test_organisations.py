"""Single sign-on of a workspace: by its domain, with its roles, and required where it wants."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest_asyncio
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.connections.models import ManagedAccount
from app.identity.users.models import User
from app.identity.workspaces.models import Membership
from tests.support.fakes.idp import Subject
from tests.support.identity import PASSWORD, Person, bearer, new_person, register
from tests.support.sso import (
    FRONTEND,
    begin,
    change_connection,
    give_second_factor,
    new_connection,
    prove_domain,
    require_connection,
)

GROUPS = [{"group": "Engineering", "role": "editor"}, {"group": "staff", "role": "viewer"}]


@dataclass
class Organisation:
    owner: Person
    connection: dict
    domain: str

    def someone(self, **more) -> Subject:
        return Subject(uuid4().hex, f"{uuid4().hex}@{self.domain}", verified=None, **more)


@pytest_asyncio.fixture(loop_scope="session")
async def organisation(http, provider, name_server):
    owner = await new_person(http)
    connection = await new_connection(http, owner, provider.url, group_roles=GROUPS)
    domain = await prove_domain(http, owner, connection, name_server)
    return Organisation(owner, connection, domain)


async def sign_in(http, provider, subject):
    provider.subject = subject
    return await (await begin(http, email=subject.email)).complete()


async def place_of(kernel, workspace_id, email) -> Membership | None:
    async with kernel.database.unit(SYSTEM) as session:
        return await session.scalar(
            select(Membership)
            .join(User, User.id == Membership.user_id)
            .where(Membership.workspace_id == UUID(workspace_id), User.email == email)
        )


async def test_the_domain_of_an_address_finds_the_connection(http, provider, organisation):
    known = await begin(http, email=f"nobody-at-all@{organisation.domain}")
    assert known.authorization_url.startswith(provider.url)
    unknown = await http.post(
        "/v1/auth/sso/start",
        json={"email": organisation.owner.email, "redirect_to": FRONTEND},
    )
    assert (unknown.status_code, unknown.json()["code"]) == (404, "sso_not_available")


async def test_someone_new_becomes_a_managed_member_with_the_default_role(
    http, provider, organisation, sso_kernel
):
    subject = organisation.someone()
    answer = await sign_in(http, provider, subject)
    assert answer.status_code == 200, answer.text
    place = await place_of(sso_kernel, organisation.owner.workspace_id, subject.email)
    assert place.role == "viewer"
    async with sso_kernel.database.unit(SYSTEM) as session:
        manager = await session.scalar(
            select(ManagedAccount.workspace_id).where(ManagedAccount.user_id == place.user_id)
        )
    assert str(manager) == organisation.owner.workspace_id
    headers = {
        **bearer(answer.json()["access_token"]),
        "X-Workspace-Id": organisation.owner.workspace_id,
    }
    assert (await http.get("/v1/me", headers=headers)).json()["workspace"]["role"] == "viewer"


async def test_groups_give_the_role_at_each_sign_in_again(http, provider, organisation, sso_kernel):
    subject, roles = organisation.someone(), []
    for groups in (["staff", "engineering"], ["staff"], ["other"], [], None):
        subject.claims = {} if groups is None else {"groups": groups}
        assert (await sign_in(http, provider, subject)).status_code == 200
        place = await place_of(sso_kernel, organisation.owner.workspace_id, subject.email)
        roles.append(place.role)
    assert roles == ["editor", "viewer", "viewer", "viewer", "viewer"]


async def test_an_account_that_was_there_before_is_not_taken_over(http, provider, organisation):
    user = await register(http, f"{uuid4().hex}@{organisation.domain}")
    answer = await sign_in(http, provider, Subject(uuid4().hex, user["email"]))
    assert (answer.status_code, answer.json()["code"]) == (409, "sso_account_exists")


async def test_the_provider_does_not_speak_for_other_domains(http, provider, organisation):
    victim = await new_person(http)
    for email in (victim.email, f"{uuid4().hex}@elsewhere.example"):
        provider.subject = Subject(uuid4().hex, email)
        trip = await begin(http, connection_id=organisation.connection["id"])
        answer = await trip.complete()
        assert (answer.status_code, answer.json()["code"]) == (403, "sso_email_foreign")


async def test_one_connection_does_not_open_what_another_linked(
    http, provider, organisation, name_server
):
    """Two workspaces trust one issuer: each speaks for its own accounts alone."""
    subject = organisation.someone()
    assert (await sign_in(http, provider, subject)).status_code == 200
    other = await new_person(http)
    connection = await new_connection(http, other, provider.url)
    await prove_domain(http, other, connection, name_server)
    answer = await (await begin(http, connection_id=connection["id"])).complete()
    assert (answer.status_code, answer.json()["code"]) == (403, "sso_email_foreign")


async def test_an_address_that_the_provider_calls_unverified_is_refused(
    http, provider, organisation
):
    subject = organisation.someone()
    subject.verified = False
    answer = await sign_in(http, provider, subject)
    assert (answer.status_code, answer.json()["code"]) == (403, "sso_email_unverified")


async def test_without_just_in_time_members_a_stranger_stays_out(http, provider, organisation):
    await change_connection(http, organisation.owner, organisation.connection, create_members=False)
    answer = await sign_in(http, provider, organisation.someone())
    assert (answer.status_code, answer.json()["code"]) == (403, "sso_not_a_member")


async def test_a_suspended_member_stays_out(http, provider, organisation, sso_kernel):
    subject = organisation.someone()
    await sign_in(http, provider, subject)
    place = await place_of(sso_kernel, organisation.owner.workspace_id, subject.email)
    async with sso_kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(Membership).where(Membership.id == place.id).values(suspended_at=now())
        )
    answer = await sign_in(http, provider, subject)
    assert (answer.status_code, answer.json()["code"]) == (403, "membership_suspended")


async def test_a_disabled_or_deleted_connection_signs_no_one_in(http, provider, organisation):
    subject = organisation.someone()
    provider.subject = subject
    trip = await begin(http, email=subject.email)
    await change_connection(http, organisation.owner, organisation.connection, enabled=False)
    assert (await trip.fragment())["error"] == "sso_not_available"
    answer = await http.post(
        "/v1/auth/sso/start", json={"email": subject.email, "redirect_to": FRONTEND}
    )
    assert answer.status_code == 404


async def member_with_password(http, organisation, kernel, role="viewer") -> dict:
    user = await register(http, f"{uuid4().hex}@{organisation.domain}")
    await seat(kernel, organisation, user["id"], role)
    return user


async def seat(kernel, organisation, user_id, role) -> None:
    async with kernel.database.unit(SYSTEM) as session:
        session.add(
            Membership(
                workspace_id=UUID(organisation.owner.workspace_id), user_id=UUID(user_id), role=role
            )
        )


async def by_password(http, user):
    body = {"email": user["email"], "password": PASSWORD, "refresh_token_in": "body"}
    return await http.post("/v1/auth/login", json=body)


async def test_where_it_is_required_members_sign_in_by_it_alone(
    http, provider, organisation, sso_kernel
):
    user = await member_with_password(http, organisation, sso_kernel)
    assert (await by_password(http, user)).status_code == 200
    await require_connection(http, sso_kernel, organisation.owner, organisation.connection)
    refused = await by_password(http, user)
    assert (refused.status_code, refused.json()["code"]) == (403, "sso_required")
    wrong = await http.post(
        "/v1/auth/login", json={"email": user["email"], "password": "not the password"}
    )
    assert wrong.json()["code"] == "credentials_refused"
    assert (await sign_in(http, provider, organisation.someone())).status_code == 200


async def test_where_it_is_required_other_providers_do_not_do(
    http, provider, organisation, sso_kernel
):
    await require_connection(http, sso_kernel, organisation.owner, organisation.connection)
    provider.subject = Subject(uuid4().hex, f"{uuid4().hex}@{organisation.domain}")
    answer = await (await begin(http, provider="oidc")).complete()
    assert (answer.status_code, answer.json()["code"]) == (403, "sso_required")


async def test_people_of_other_domains_are_not_bound(http, provider, organisation, sso_kernel):
    elsewhere = await new_person(http)
    await seat(sso_kernel, organisation, elsewhere.user_id, "viewer")
    await require_connection(http, sso_kernel, organisation.owner, organisation.connection)
    assert (await http.get("/v1/me", headers=elsewhere.headers)).status_code == 200
    assert (await by_password(http, {"email": elsewhere.email})).status_code == 200


async def test_requiring_it_ends_the_sessions_of_those_it_binds(
    http, provider, organisation, sso_kernel
):
    member = await member_with_password(http, organisation, sso_kernel)
    owner = await member_with_password(http, organisation, sso_kernel, role="owner")
    sure = await member_with_password(http, organisation, sso_kernel, role="owner")
    bound = {user["id"]: await by_password(http, user) for user in (member, owner, sure)}
    headers = {user_id: bearer(answer.json()["access_token"]) for user_id, answer in bound.items()}
    await give_second_factor(sso_kernel, sure["id"])
    await require_connection(http, sso_kernel, organisation.owner, organisation.connection)
    seen = [
        (await http.get("/v1/me", headers=headers[user["id"]])).status_code
        for user in (member, owner, sure)
    ]
    assert seen == [401, 401, 200]
    refreshed = await http.post(
        "/v1/auth/refresh", json={"refresh_token": bound[member["id"]].json()["refresh_token"]}
    )
    assert refreshed.status_code == 401, refreshed.text


async def test_taking_a_required_connection_up_again_ends_sessions_too(
    http, provider, organisation, sso_kernel
):
    owner, connection = organisation.owner, organisation.connection
    await require_connection(http, sso_kernel, owner, connection)
    await change_connection(http, owner, connection, enabled=False)
    member = await member_with_password(http, organisation, sso_kernel)
    headers = bearer((await by_password(http, member)).json()["access_token"])
    await change_connection(http, owner, connection, enabled=True)
    assert (await http.get("/v1/me", headers=headers)).status_code == 401


async def test_it_is_not_required_while_no_owner_has_a_second_factor(http, provider, organisation):
    path = f"/v1/sso-connections/{organisation.connection['id']}"
    refused = await http.patch(path, json={"required": True}, headers=organisation.owner.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "sso_needs_owner")
    shown = await http.get(path, headers=organisation.owner.headers)
    assert shown.json()["required"] is False


async def test_a_connection_does_not_speak_for_the_domains_of_another(
    http, provider, organisation, sso_kernel
):
    subject = organisation.someone()
    assert (await sign_in(http, provider, subject)).status_code == 200
    second = await new_connection(http, organisation.owner, provider.url)
    provider.subject = Subject(uuid4().hex, subject.email)
    answer = await (await begin(http, connection_id=second["id"])).complete()
    assert (answer.status_code, answer.json()["code"]) == (403, "sso_email_foreign")


async def test_an_issuer_of_every_tenant_speaks_for_no_organisation(http, provider, organisation):
    connection = await new_connection(http, organisation.owner, f"{provider.url}/common/v2.0")
    answer = await http.post(
        "/v1/auth/sso/start",
        json={"redirect_to": FRONTEND, "connection_id": connection["id"]},
    )
    assert (answer.status_code, answer.json()["code"]) == (502, "sso_provider_failed")


async def test_an_owner_keeps_a_way_in_with_a_second_factor(
    http, provider, organisation, sso_kernel
):
    user = await member_with_password(http, organisation, sso_kernel, role="owner")
    await require_connection(http, sso_kernel, organisation.owner, organisation.connection)
    refused = await by_password(http, user)
    assert (refused.status_code, refused.json()["code"]) == (403, "sso_required")
    await give_second_factor(sso_kernel, user["id"])
    challenged = await by_password(http, user)
    assert challenged.json()["type"] == "second_factor", challenged.text


async def test_a_second_factor_of_the_organisation_counts_for_its_own_accounts(
    http, provider, organisation, sso_kernel
):
    subject = organisation.someone()
    await sign_in(http, provider, subject)
    place = await place_of(sso_kernel, organisation.owner.workspace_id, subject.email)
    await give_second_factor(sso_kernel, str(place.user_id))
    assert (await sign_in(http, provider, subject)).json()["type"] == "second_factor"
    subject.claims = {"amr": ["pwd", "mfa"]}
    assert (await sign_in(http, provider, subject)).json()["type"] == "tokens"


async def test_an_inactive_account_stays_out(http, provider, organisation, sso_kernel):
    subject = organisation.someone()
    await sign_in(http, provider, subject)
    async with sso_kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(User).where(User.email == subject.email).values(status="deactivated")
        )
    answer = await sign_in(http, provider, subject)
    assert (answer.status_code, answer.json()["code"]) == (401, "account_inactive")
