"""/v1/sso-connections and /v1/sso-domains."""

from datetime import timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.connections.models import SsoConnection
from app.identity.sessions.models import UserSession
from tests.support.fakes.idp import CLIENT_SECRET
from tests.support.identity import new_person
from tests.support.sso import change_connection, new_connection, prove_domain


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(sso_address):
    async with httpx2.AsyncClient(base_url=sso_address, timeout=20, verify=False) as http:
        return await new_person(http)


async def test_the_client_secret_is_sealed_and_never_shown(http, provider, owner, sso_kernel):
    made = await new_connection(http, owner, provider.url)
    shown = await http.get(f"/v1/sso-connections/{made['id']}", headers=owner.headers)
    assert made["has_client_secret"] is True
    assert CLIENT_SECRET not in shown.text
    async with sso_kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(select(SsoConnection).where(SsoConnection.id == made["id"]))
    context = f"sso_connections/{made['id']}"
    assert sso_kernel.vault.open(row.sealed_client_secret, context=context) == CLIENT_SECRET


async def test_a_connection_is_changed_deleted_and_restored(http, provider, owner):
    made = await new_connection(http, owner, provider.url)
    path = f"/v1/sso-connections/{made['id']}"
    changed = await change_connection(http, owner, made, name="Another", enabled=False)
    assert (changed["name"], changed["enabled"]) == ("Another", False)
    stale = await http.patch(
        path, json={"name": "Third"}, headers={**owner.headers, "If-Match": '"v1"'}
    )
    assert stale.status_code == 412
    assert (await http.delete(path, headers=owner.headers)).status_code == 204
    assert (await http.get(path, headers=owner.headers)).status_code == 404
    deleted = await http.get("/v1/sso-connections?deleted=true", headers=owner.headers)
    assert made["id"] in {each["id"] for each in deleted.json()["data"]}
    assert (await http.post(f"{path}/restore", headers=owner.headers)).status_code == 200
    assert (await http.get(path, headers=owner.headers)).status_code == 200


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"default_role": "owner"}, "/body/default_role"),
        ({"default_role": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}, "/body/default_role"),
        ({"group_roles": [{"group": "x", "role": "king"}]}, "/body/group_roles/0/role"),
        ({"name": ""}, "/body/name"),
        ({"settings": {"type": "oidc", "issuer": "x", "client_id": "c"}}, "/body/settings/issuer"),
        ({"settings": {"type": "ldap"}}, "/body/settings"),
    ],
    ids=str,
)
async def test_a_bad_field_is_named(http, provider, owner, change, pointer):
    body = {
        "name": "X",
        "settings": {"type": "oidc", "issuer": provider.url, "client_id": "c"},
        "client_secret": "s",
    }
    answer = await http.post("/v1/sso-connections", json=body | change, headers=owner.headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "issuer", ["http://10.0.0.1", "https://169.254.169.254", "http://login.example.com"]
)
async def test_an_issuer_that_must_not_be_called_is_refused(http, owner, issuer):
    settings = {"type": "oidc", "issuer": issuer, "client_id": "c"}
    body = {"name": "X", "settings": settings, "client_secret": "s"}
    answer = await http.post("/v1/sso-connections", json=body, headers=owner.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "address_refused")


async def test_an_openid_connection_needs_its_secret(http, owner):
    settings = {"type": "oidc", "issuer": "https://login.example.com", "client_id": "c"}
    answer = await http.post(
        "/v1/sso-connections", json={"name": "X", "settings": settings}, headers=owner.headers
    )
    assert answer.status_code == 422, answer.text


async def test_requiring_a_connection_without_a_domain_is_refused(http, provider, owner):
    made = await new_connection(http, owner, provider.url)
    answer = await http.patch(
        f"/v1/sso-connections/{made['id']}", json={"required": True}, headers=owner.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "sso_needs_domain")


async def new_domain(http, owner, connection, domain):
    body = {"connection_id": connection["id"], "domain": domain}
    return await http.post("/v1/sso-domains", json=body, headers=owner.headers)


async def test_a_domain_is_proven_by_its_record(http, provider, owner, name_server):
    connection = await new_connection(http, owner, provider.url)
    made = (await new_domain(http, owner, connection, f"{uuid4().hex}.Example.")).json()
    assert made["domain"] == made["domain"].lower().rstrip(".")
    path = f"/v1/sso-domains/{made['id']}"
    unproven = await http.post(f"{path}/verify", headers=owner.headers)
    assert (unproven.status_code, unproven.json()["code"]) == (409, "sso_domain_unproven")
    name_server.records[made["record_name"]] = ["v=spf1 -all", "luminous-verification=wrong"]
    assert (await http.post(f"{path}/verify", headers=owner.headers)).status_code == 409
    name_server.records[made["record_name"]].append(made["record_value"])
    proven = await http.post(f"{path}/verify", headers=owner.headers)
    assert proven.status_code == 200, proven.text
    assert proven.json()["verified_at"] is not None
    assert (await http.get(path, headers=owner.headers)).json() == proven.json()
    assert (await http.delete(path, headers=owner.headers)).status_code == 204


async def test_a_domain_belongs_to_who_proves_it_first(http, provider, owner, name_server):
    other = await new_person(http)
    connections = [await new_connection(http, each, provider.url) for each in (owner, other)]
    domain = await prove_domain(http, owner, connections[0], name_server)
    claim = (await new_domain(http, other, connections[1], domain)).json()
    name_server.records[claim["record_name"]].append(claim["record_value"])
    answer = await http.post(f"/v1/sso-domains/{claim['id']}/verify", headers=other.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "sso_domain_taken")


async def test_a_name_server_that_is_silent_is_told_of(http, provider, owner, sso_kernel):
    connection = await new_connection(http, owner, provider.url)
    made = (await new_domain(http, owner, connection, f"{uuid4().hex}.example")).json()
    settings = sso_kernel.settings
    try:
        sso_kernel.settings = settings.model_copy(update={"dns_servers": ("127.0.0.1:9",)})
        answer = await http.post(f"/v1/sso-domains/{made['id']}/verify", headers=owner.headers)
    finally:
        sso_kernel.settings = settings
    assert (answer.status_code, answer.json()["code"]) == (503, "dns_unavailable")


@pytest.mark.parametrize(
    "domain", ["", "com", "no spaces.example", "-a.example", "1.2.3.4", "a..b", "x" * 64 + ".com"]
)
async def test_what_is_no_domain_is_refused(http, provider, owner, domain):
    body = {"connection_id": str(uuid4()), "domain": domain}
    answer = await http.post("/v1/sso-domains", json=body, headers=owner.headers)
    assert answer.status_code == 422, answer.text


async def test_setting_up_sign_in_takes_a_fresh_proof(http, provider, sso_kernel):
    person = await new_person(http)
    async with sso_kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(UserSession)
            .where(UserSession.user_id == UUID(person.user_id))
            .values(authenticated_at=now() - timedelta(days=1))
        )
    answer = await http.post(
        "/v1/sso-connections",
        json={
            "name": "X",
            "settings": {"type": "oidc", "issuer": provider.url, "client_id": "c"},
            "client_secret": "s",
        },
        headers=person.headers,
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
