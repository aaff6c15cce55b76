"""Single sign-on of a workspace: by its domain, with its roles, and required where it wants."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest_asyncio
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.connections.models import ManagedAccount
from app.identity.factors.models import TotpFactor
from app.identity.users.models import User
from app.identity.workspaces.models import Membership
from tests.support.fakes.idp import Subject
from tests.support.identity import PASSWORD, Person, bearer, new_person, register
from tests.support.sso import (
    FRONTEND,
    begin,
    change_connection,
    new_connection,
    prove_domain,
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
    async with kernel.database.unit(SYSTEM) as session:
        session.add(
            Membership(
                workspace_id=UUID(organisation.owner.workspace_id),
                user_id=UUID(user["id"]),
                role=role,
            )
        )
    return user


async def by_password(http, user):
    body = {"email": user["email"], "password": PASSWORD, "refresh_token_in": "body"}
    return await http.post("/v1/auth/login", json=body)


async def test_where_it_is_required_members_sign_in_by_it_alone(
    http, provider, organisation, sso_kernel
):
    user = await member_with_password(http, organisation, sso_kernel)
    assert (await by_password(http, user)).status_code == 200
    await change_connection(http, organisation.owner, organisation.connection, required=True)
    refused = await by_password(http, user)
    assert (refused.status_code, refused.json()["code"]) == (403, "sso_required")
    wrong = await http.post(
        "/v1/auth/login", json={"email": user["email"], "password": "not the password"}
    )
    assert wrong.json()["code"] == "credentials_refused"
    assert (await sign_in(http, provider, organisation.someone())).status_code == 200


async def test_where_it_is_required_other_providers_do_not_do(http, provider, organisation):
    await change_connection(http, organisation.owner, organisation.connection, required=True)
    provider.subject = Subject(uuid4().hex, f"{uuid4().hex}@{organisation.domain}")
    answer = await (await begin(http, provider="oidc")).complete()
    assert (answer.status_code, answer.json()["code"]) == (403, "sso_required")


async def test_people_of_other_domains_are_not_bound(http, provider, organisation):
    await change_connection(http, organisation.owner, organisation.connection, required=True)
    assert (await by_password(http, {"email": organisation.owner.email})).status_code == 200


async def test_an_owner_keeps_a_way_in_with_a_second_factor(
    http, provider, organisation, sso_kernel
):
    user = await member_with_password(http, organisation, sso_kernel, role="owner")
    await change_connection(http, organisation.owner, organisation.connection, required=True)
    refused = await by_password(http, user)
    assert (refused.status_code, refused.json()["code"]) == (403, "sso_required")
    async with sso_kernel.database.unit(SYSTEM) as session:
        session.add(
            TotpFactor(
                user_id=UUID(user["id"]), sealed_secret=b"x", confirmed_at=now(), last_step=None
            )
        )
    challenged = await by_password(http, user)
    assert challenged.json()["type"] == "second_factor", challenged.text


async def test_a_second_factor_of_the_organisation_counts_for_its_own_accounts(
    http, provider, organisation, sso_kernel
):
    subject = organisation.someone()
    await sign_in(http, provider, subject)
    place = await place_of(sso_kernel, organisation.owner.workspace_id, subject.email)
    async with sso_kernel.database.unit(SYSTEM) as session:
        session.add(
            TotpFactor(
                user_id=place.user_id, sealed_secret=b"x", confirmed_at=now(), last_step=None
            )
        )
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
