"""A workspace with a proven domain, and its directory."""

from dataclasses import dataclass
from uuid import uuid4

import httpx2
import pytest_asyncio

from tests.identity.sso.conftest import (
    http,
    name_server,
    provider,
    running_provider,
    sso_address,
    sso_app,
    sso_kernel,
)
from tests.support.identity import Person, bearer, new_person
from tests.support.sso import new_connection, prove_domain

__all__ = [
    "http",
    "name_server",
    "provider",
    "running_provider",
    "sso_address",
    "sso_app",
    "sso_kernel",
]

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass
class Directory:
    """A client of /scim/v2 with a token."""

    http: httpx2.AsyncClient
    owner: Person
    connection: dict
    domain: str
    token: dict

    async def ask(self, method: str, path: str, body=None, **headers) -> httpx2.Response:
        given = {**bearer(self.token["token"]), **headers}
        return await self.http.request(method, f"/scim/v2{path}", json=body, headers=given)

    def someone(self, **more) -> dict:
        return {"schemas": [USER], "userName": f"{uuid4().hex}@{self.domain}", **more}

    async def add(self, **more) -> dict:
        answer = await self.ask("POST", "/Users", self.someone(**more))
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def add_group(self, name: str, *members: dict) -> dict:
        body = {
            "schemas": [GROUP],
            "displayName": name,
            "members": [{"value": each["id"]} for each in members],
        }
        answer = await self.ask("POST", "/Groups", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def patch(self, resource: dict, *operations: dict) -> httpx2.Response:
        path = resource["meta"]["location"].partition("/scim/v2")[2]
        return await self.ask("PATCH", path, {"schemas": [PATCH], "Operations": operations})


async def new_directory(http, provider, name_server, **more) -> Directory:
    owner = await new_person(http)
    connection = await new_connection(http, owner, provider.url, **more)
    domain = await prove_domain(http, owner, connection, name_server)
    body = {"connection_id": connection["id"], "name": "Directory"}
    made = await http.post("/v1/scim-tokens", json=body, headers=owner.headers)
    assert made.status_code == 201, made.text
    return Directory(http, owner, connection, domain, made.json())


@pytest_asyncio.fixture(loop_scope="session")
async def directory(http, provider, name_server):
    groups = [{"group": "Engineering", "role": "editor"}]
    return await new_directory(http, provider, name_server, group_roles=groups)
