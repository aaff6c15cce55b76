"""SCIM tokens, and the dialect as a conformance tester sees it."""

import asyncio
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.scim.models import ScimToken
from tests.support.identity import bearer


async def test_a_token_is_shown_once_and_kept_as_a_hash(http, directory, sso_kernel):
    token = directory.token
    assert token["token"].startswith("lum_scim_")
    assert token["base_url"].endswith("/scim/v2")
    path = f"/v1/scim-tokens/{token['id']}"
    shown = await http.get(path, headers=directory.owner.headers)
    assert token["token"] not in shown.text
    assert shown.json()["last_four"] == token["token"][-4:]
    async with sso_kernel.database.unit(SYSTEM) as session:
        kept = await session.scalar(select(ScimToken.token_hash).where(ScimToken.id == token["id"]))
    assert token["token"].encode() not in kept


async def test_a_revoked_token_opens_nothing(http, directory):
    assert (await directory.ask("GET", "/Users")).status_code == 200
    path = f"/v1/scim-tokens/{directory.token['id']}"
    assert (await http.delete(path, headers=directory.owner.headers)).status_code == 204
    answer = await directory.ask("GET", "/Users")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["status"] == "401"


async def test_an_expired_token_opens_nothing(directory, sso_kernel):
    async with sso_kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(ScimToken)
            .where(ScimToken.id == directory.token["id"])
            .values(expires_at=now() - timedelta(days=1))
        )
    assert (await directory.ask("GET", "/Users")).status_code == 401


async def test_a_token_of_a_disabled_connection_opens_nothing(http, directory):
    await http.patch(
        f"/v1/sso-connections/{directory.connection['id']}",
        json={"enabled": False},
        headers=directory.owner.headers,
    )
    assert (await directory.ask("GET", "/Users")).status_code == 401


@pytest.mark.parametrize("credential", ["", "lum_scim_", "lum_scim_" + "x" * 43, "a.b.c"])
async def test_what_is_no_token_opens_nothing(http, directory, credential):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        for path in ("/Users", "/Groups/1", "/Schemas", "/nowhere"):
            headers = bearer(credential) if credential else {}
            answer = await http.request(method, f"/scim/v2{path}", headers=headers)
            assert answer.status_code == 401, (method, path)


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/Users", "GET, POST"),
        ("/Users/7", "DELETE, GET, PATCH, PUT"),
        ("/Users/.search", "DELETE, GET, PATCH, POST, PUT"),  # `.search` may be an id
        ("/Schemas", "GET"),
    ],
)
async def test_another_method_is_told_those_that_are_taken(directory, path, allow):
    for method in {"PUT", "HEAD", "OPTIONS"} - set(allow.split(", ")):
        answer = await directory.ask(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allow)
        assert answer.headers["content-type"] == "application/scim+json"


async def test_what_is_served_to_no_method_is_not_there(directory):
    for path in ("/nowhere", "/Users/7/nowhere"):
        answer = await directory.ask("GET", path)
        assert (answer.status_code, answer.json()["status"]) == (404, "404")


async def test_a_persons_own_credential_opens_nothing_there(http, directory):
    answer = await http.get("/scim/v2/Users", headers=directory.owner.headers)
    assert answer.status_code == 401


async def test_the_dialect_stands_in_no_openapi_document(http, directory):
    document = (await http.get("/openapi.json")).json()
    assert not [path for path in document["paths"] if path.startswith("/scim")]


async def test_a_conformance_tester_finds_no_fault(directory):
    # Six seconds, which every worker would pay.
    from scim2_client.engines.httpx2 import SyncSCIMClient  # noqa: PLC0415
    from scim2_tester import Status, check_server  # noqa: PLC0415

    client = SyncSCIMClient(
        httpx2.Client(
            base_url=directory.token["base_url"],
            headers=bearer(directory.token["token"]),
            timeout=30,
        )
    )
    with client.client:
        results = await asyncio.to_thread(check_server, client)
    wrong = [
        (r.title, r.reason)
        for r in results
        if r.status not in (Status.SUCCESS, Status.SKIPPED, Status.COMPLIANT)
    ]
    assert len(results) > 30
    assert not wrong, "\n".join(map(str, wrong))
