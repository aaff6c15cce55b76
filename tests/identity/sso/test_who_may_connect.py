"""A connection is no way to a role that its maker lacks, nor to another provider's secret."""

from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio

from app.core.db import SYSTEM
from app.identity.workspaces.models import CustomRole, Membership
from tests.support.fakes.idp import CLIENT_ID
from tests.support.identity import new_person
from tests.support.sso import new_connection
from tests.support.teams import Team, code

ABOVE = (403, "role_above_own")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(sso_address):
    async with httpx2.AsyncClient(base_url=sso_address, timeout=20, verify=False) as http:
        return [await new_person(http) for _ in range(2)]


@pytest_asyncio.fixture(loop_scope="session")
async def team(http, people):
    return Team(http, people[0].workspace_id)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def clerk(sso_kernel, people):
    """Someone whose role is about single sign-on and nothing else."""
    owner, clerk = people
    async with sso_kernel.database.unit(SYSTEM) as session:
        role = CustomRole(
            workspace_id=UUID(owner.workspace_id),
            name="Clerk",
            permissions=["sso:read", "sso:write"],
            deleted_at=None,
        )
        session.add(role)
        await session.flush()
        session.add(
            Membership(
                workspace_id=UUID(owner.workspace_id),
                user_id=UUID(clerk.user_id),
                role="custom",
                role_id=role.id,
            )
        )
        role_id = str(role.id)
    return clerk, role_id


async def test_only_an_owner_says_which_provider_is_believed(http, provider, people, team, clerk):
    person, role_id = clerk
    settings = {"type": "oidc", "issuer": provider.url, "client_id": CLIENT_ID}
    body = {"name": "X", "settings": settings, "client_secret": "s", "default_role": role_id}
    assert code(await team.call(person, "POST", "/v1/sso-connections", body)) == ABOVE
    made = await new_connection(http, people[0], provider.url, default_role=role_id)
    path = f"/v1/sso-connections/{made['id']}"
    for change in ({"settings": settings}, {"client_secret": "mine"}):
        assert code(await team.call(person, "PATCH", path, change)) == ABOVE
    renamed = await team.call(person, "PATCH", path, {"name": "Renamed"})
    assert renamed.status_code == 200, renamed.text


@pytest.mark.parametrize(
    "change",
    [{"default_role": "admin"}, {"group_roles": [{"group": "all", "role": "editor"}]}],
    ids=str,
)
async def test_nobody_has_a_connection_give_more_than_they_may(
    http, provider, people, team, clerk, change
):
    person, role_id = clerk
    made = await new_connection(http, people[0], provider.url, default_role=role_id)
    path = f"/v1/sso-connections/{made['id']}"
    assert code(await team.call(person, "PATCH", path, change)) == ABOVE


async def test_a_connection_that_gives_more_is_not_used_by_who_lacks_it(
    http, provider, people, team, clerk
):
    person, _ = clerk
    made = await new_connection(http, people[0], provider.url, default_role="admin")
    named = {"connection_id": made["id"]}
    path = f"/v1/sso-connections/{made['id']}"
    domain = named | {"domain": f"{uuid4().hex}.example"}
    assert code(await team.call(person, "PATCH", path, {"create_members": True})) == ABOVE
    assert code(await team.call(person, "POST", "/v1/sso-domains", domain)) == ABOVE
    token = named | {"name": "Mine"}
    assert code(await team.call(person, "POST", "/v1/scim-tokens", token)) == ABOVE
    assert (await team.call(people[0], "DELETE", path)).status_code == 204
    assert code(await team.call(person, "POST", f"{path}/restore")) == ABOVE


async def test_a_stored_secret_is_not_shown_to_another_issuer(http, provider, people, team):
    made = await new_connection(http, people[0], provider.url)
    path = f"/v1/sso-connections/{made['id']}"
    elsewhere = {"settings": {"type": "oidc", "issuer": "https://evil.example", "client_id": "c"}}
    refused = await team.call(people[0], "PATCH", path, elsewhere)
    assert code(refused) == (422, "sso_secret_needed")
    assert refused.json()["errors"][0]["pointer"] == "/body/client_secret"
    moved = await team.call(people[0], "PATCH", path, elsewhere | {"client_secret": "another"})
    assert moved.status_code == 200, moved.text
    same = {"settings": elsewhere["settings"] | {"client_id": "other"}}
    assert (await team.call(people[0], "PATCH", path, same)).status_code == 200


async def test_a_role_that_a_connection_gives_is_in_use(http, provider, people, team):
    for names in (
        lambda role_id: {"default_role": role_id},
        lambda role_id: {"group_roles": [{"group": "all", "role": role_id}]},
    ):
        body = {"name": f"Role {uuid4().hex}", "permissions": ["models:read"]}
        role = (await team.call(people[0], "POST", "/v1/roles", body)).json()
        made = await new_connection(http, people[0], provider.url, **names(role["id"]))
        path = f"/v1/roles/{role['id']}"
        for replacement in ("", "?replace_with=viewer"):
            refused = await team.call(people[0], "DELETE", path + replacement)
            assert code(refused) == (409, "role_in_use")
        await team.call(people[0], "DELETE", f"/v1/sso-connections/{made['id']}")
        assert (await team.call(people[0], "DELETE", path)).status_code == 204
