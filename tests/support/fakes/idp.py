"""An identity provider that keeps to OpenID Connect, GitHub's API, or breaks them on demand."""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID = "luminous-client"
CLIENT_SECRET = "luminous client secret"


@dataclass
class Subject:
    """Who is signed in at the provider."""

    sub: str
    email: str | None = None
    verified: bool | None = True
    claims: dict[str, Any] = field(default_factory=dict)


@dataclass
class Grant:
    subject: Subject
    redirect_uri: str
    nonce: str | None
    challenge: str


class FakeProvider:
    """`subject` signs in at once. The hooks change what is sent."""

    def __init__(self) -> None:
        self.url = ""
        self.reset()
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/common/v2.0/.well-known/openid-configuration", self.any_tenant),
                Route("/authorize", self.authorize),
                Route("/login/oauth/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/login/oauth/access_token", self.token, methods=["POST"]),
                Route("/jwks", self.jwks),
                Route("/userinfo", self.userinfo),
                Route("/api/v3/user", self.github_user),
                Route("/api/v3/user/emails", self.github_emails),
            ]
        )

    def reset(self) -> None:
        self.key: Any = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})
        self.keys: list[Any] = [self.key]
        self.subject = Subject("someone")
        self.grants: dict[str, Grant] = {}
        self.tokens: dict[str, Subject] = {}
        self.change_claims: Callable[[dict[str, Any]], None] = lambda _: None
        self.change_answer: Callable[[dict[str, str]], None] = lambda _: None
        self.change_discovery: Callable[[dict[str, Any]], None] = lambda _: None
        self.make_token: Callable[[dict[str, Any]], str] = self.signed
        self.garbage = False
        self.slow_seconds = 0.0
        self.email_in_id_token = True
        self.jwks_reads = 0

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one is gone."""
        self.key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig"})
        self.keys = [self.key]

    def signed(self, claims: dict[str, Any]) -> str:
        algorithm = "ES256" if self.key.key_type == "EC" else "RS256"
        return jwt.encode({"alg": algorithm, "kid": self.key.kid}, claims, self.key)

    async def discovery(self, request: Request) -> Response:
        return JSONResponse(self._document(self.url))

    async def any_tenant(self, request: Request) -> Response:
        return JSONResponse(self._document(f"{self.url}/{{tenantid}}/v2.0"))

    def _document(self, issuer: str) -> dict[str, Any]:
        document = {
            "issuer": issuer,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "authorization_response_iss_parameter_supported": True,
        }
        self.change_discovery(document)
        return document

    async def authorize(self, request: Request) -> Response:
        asked = request.query_params
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert asked["response_type"] == "code"
        code = secrets.token_urlsafe(16)
        self.grants[code] = Grant(
            self.subject, asked["redirect_uri"], asked.get("nonce"), asked["code_challenge"]
        )
        answer = {"code": code, "state": asked["state"]}
        if "/login/oauth" not in request.url.path:
            answer["iss"] = self.url
        self.change_answer(answer)
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", status_code=302)

    async def token(self, request: Request) -> Response:
        await asyncio.sleep(self.slow_seconds)
        if self.garbage:
            return Response("<html>Bad gateway</html>", media_type="text/html")
        form = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        grant = self.grants.pop(form.get("code", ""), None)
        if grant is None or not self._client_is_known(request, form):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != grant.challenge:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        if form["redirect_uri"] != grant.redirect_uri:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        access_token = secrets.token_urlsafe(16)
        self.tokens[access_token] = grant.subject
        answer = {"access_token": access_token, "token_type": "Bearer"}
        if "/login/oauth" not in request.url.path:
            answer["id_token"] = self.make_token(self._claims(grant))
        return JSONResponse(answer)

    def _client_is_known(self, request: Request, form: dict[str, str]) -> bool:
        if "client_secret" in form:
            return (form["client_id"], form["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
        given = request.headers["authorization"].removeprefix("Basic ")
        pair = base64.b64decode(given).decode()
        return pair == f"{CLIENT_ID}:{CLIENT_SECRET.replace(' ', '%20')}"

    def _claims(self, grant: Grant) -> dict[str, Any]:
        claims: dict[str, Any] = {
            "iss": self.url,
            "sub": grant.subject.sub,
            "aud": CLIENT_ID,
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
            "nonce": grant.nonce,
            **grant.subject.claims,
        }
        if self.email_in_id_token:
            claims |= self._address(grant.subject)
        self.change_claims(claims)
        return claims

    @staticmethod
    def _address(subject: Subject) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if subject.email is not None:
            told["email"] = subject.email
        if subject.verified is not None:
            told["email_verified"] = subject.verified
        return told

    async def jwks(self, request: Request) -> Response:
        self.jwks_reads += 1
        return JSONResponse(KeySet(self.keys).as_dict(private=False))

    async def userinfo(self, request: Request) -> Response:
        subject = self._bearer(request)
        return JSONResponse({"sub": subject.sub, **self._address(subject)})

    async def github_user(self, request: Request) -> Response:
        subject = self._bearer(request)
        return JSONResponse({"id": int(subject.sub), "login": "octocat", "name": "Octo Cat"})

    async def github_emails(self, request: Request) -> Response:
        subject = self._bearer(request)
        other = {"email": "other@example.net", "primary": False, "verified": True}
        own = {"email": subject.email, "primary": True, "verified": subject.verified}
        return JSONResponse([other, own])

    def _bearer(self, request: Request) -> Subject:
        return self.tokens[request.headers["authorization"].removeprefix("Bearer ")]
