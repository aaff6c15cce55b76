"""A browser that signs in by another service, step by step."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import httpx2
from sqlalchemy import update

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.kernel import Kernel
from app.identity.factors.models import TotpFactor
from app.identity.sessions.models import UserSession
from tests.conftest import serve
from tests.support.fakes.idp import CLIENT_ID, CLIENT_SECRET, FakeProvider

FRONTEND = "https://app.example/signed-in"


@dataclass
class Trip:
    """A sign-in under way: what the frontend and the browser hold."""

    http: httpx2.AsyncClient
    authorization_url: str
    verifier: str
    cookie: str
    callback: str = ""

    @property
    def asked(self) -> dict[str, str]:
        """What the provider is asked."""
        return dict(parse_qsl(urlsplit(self.authorization_url).query))

    async def visit_provider(self) -> None:
        """Sign in there: the provider sends the browser back at once."""
        async with httpx2.AsyncClient() as browser:
            answer = await browser.get(self.authorization_url)
        assert answer.status_code == 302, answer.text
        self.callback = answer.headers["location"]

    async def come_back(self, cookie: str | None = None) -> httpx2.Response:
        """Follow the provider's redirect to the callback."""
        headers = {"Cookie": self.cookie if cookie is None else cookie}
        return await self.http.get(self.callback, headers=headers)

    async def fragment(self) -> dict[str, str]:
        """What the frontend finds in the fragment, having gone all the way."""
        await self.visit_provider()
        return fragment_of(await self.come_back())

    async def complete(self, **more: Any) -> httpx2.Response:
        """Go all the way and hand the code in."""
        found = await self.fragment()
        assert "code" in found, found
        body = {"code": found["code"], "verifier": self.verifier, "refresh_token_in": "body"}
        return await self.http.post("/v1/auth/sso/complete", json=body | more)


def fragment_of(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    assert location.startswith(FRONTEND + "#"), location
    return dict(parse_qsl(urlsplit(location).fragment))


async def begin(http: httpx2.AsyncClient, **way: str) -> Trip:
    answer = await http.post("/v1/auth/sso/start", json={"redirect_to": FRONTEND, **way})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    cookie = answer.headers["set-cookie"].split(";")[0]
    return Trip(http, told["authorization_url"], told["verifier"], cookie)


async def new_connection(http: httpx2.AsyncClient, person: Any, issuer: str, **more: Any) -> dict:
    """A connection of someone's workspace to an OpenID provider."""
    settings = {"type": "oidc", "issuer": issuer, "client_id": CLIENT_ID}
    body = {"name": "Example Inc.", "settings": settings, "client_secret": CLIENT_SECRET}
    answer = await http.post("/v1/sso-connections", json=body | more, headers=person.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def change_connection(
    http: httpx2.AsyncClient, person: Any, connection: dict, **change: Any
) -> dict:
    path = f"/v1/sso-connections/{connection['id']}"
    answer = await http.patch(path, json=change, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def require_connection(
    http: httpx2.AsyncClient, kernel: Kernel, person: Any, connection: dict
) -> dict:
    """Require a connection, as an owner who has a second factor and signed in with it."""
    await give_second_factor(kernel, person.user_id)
    return await change_connection(http, person, connection, required=True)


async def give_second_factor(kernel: Kernel, user_id: str) -> None:
    """An app for one-time passwords, and sessions as if they had been opened with it."""
    async with kernel.database.unit(SYSTEM) as session:
        session.add(
            TotpFactor(
                user_id=UUID(user_id), sealed_secret=b"x", confirmed_at=now(), last_step=None
            )
        )
        await session.execute(
            update(UserSession)
            .where(UserSession.user_id == UUID(user_id))
            .values(second_factor=True)
        )


async def prove_domain(
    http: httpx2.AsyncClient, person: Any, connection: dict, name_server: Any
) -> str:
    """A new domain that the workspace has proven for a connection."""
    domain = f"{uuid4().hex}.example"
    body = {"connection_id": connection["id"], "domain": domain}
    made = (await http.post("/v1/sso-domains", json=body, headers=person.headers)).json()
    name_server.records[made["record_name"]] = [made["record_value"]]
    path = f"/v1/sso-domains/{made['id']}/verify"
    answer = await http.post(path, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return domain


async def sso_resources(http: httpx2.AsyncClient, person: Any) -> dict[str, str]:
    """One real connection, domain, SCIM token and linked account of someone, by parameter."""
    provider = FakeProvider()
    server, task, provider.url = await serve(provider.app)
    try:
        connection = await new_connection(http, person, provider.url)
        trip = await begin(http, connection_id=connection["id"])
        found = await trip.fragment()
        link = {"code": found["code"], "verifier": trip.verifier}
        named = {"connection_id": connection["id"]}
        made = {
            "identity_id": await _made(http, person, "/v1/me/identities", link),
            "sso_domain_id": await _made(
                http, person, "/v1/sso-domains", named | {"domain": f"{uuid4().hex}.example"}
            ),
            "scim_token_id": await _made(http, person, "/v1/scim-tokens", named | {"name": "S"}),
        }
    finally:
        server.should_exit = True
        await task
    return made | {"sso_connection_id": connection["id"]}


async def _made(http: httpx2.AsyncClient, person: Any, path: str, body: dict[str, str]) -> str:
    answer = await http.post(path, json=body, headers=person.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]
