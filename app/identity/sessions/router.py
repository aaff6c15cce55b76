"""Signing in, staying signed in, signing out; and the public keys of access tokens."""

from typing import Annotated

from fastapi import Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from fastapi.security.utils import get_authorization_scheme_param

from app.core.auth import Access, Permission
from app.core.db import SYSTEM
from app.core.errors import Unauthenticated
from app.core.http import csrf
from app.core.http.csrf import CsrfRefused
from app.core.http.guard import (
    CredentialMissing,
    KernelDep,
    ScopeMissing,
    guarded_router,
    public,
    resolve_access,
)
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.rate_limits import sensitive
from app.core.http.units import Session
from app.core.kernel import Kernel
from app.identity.connections.errors import SsoRequired
from app.identity.sessions import cookies, service
from app.identity.sessions.answering import (
    SigningKeysDep,
    answer_sign_in,
    answer_tokens,
    device_of,
)
from app.identity.sessions.errors import (
    CredentialsRefused,
    RefreshTokenInvalid,
    RefreshTokenMissing,
    RefreshTokenReused,
    SessionRequired,
    TokenExpired,
    TokenInvalid,
)
from app.identity.sessions.guard import require_session
from app.identity.sessions.proving_schemas import SignInAnswer
from app.identity.sessions.schemas import (
    KeySet,
    Login,
    PublicKey,
    RefreshRequest,
    TokenRead,
)
from app.identity.users.errors import AccountDeactivated, AccountDeleted, EmailUnverified
from app.identity.users.passwords import HashingBusy

Person = Annotated[Access, require_session(Permission.PROFILE_WRITE)]

router = guarded_router(prefix="/v1", tag="sessions")
well_known = guarded_router(prefix="/.well-known", tag="sessions")

_COOKIE_RULE = (
    f"A browser's cookie is taken only with a listed `Origin` and the header `{csrf.HEADER}`."
)


@router.post(
    "/auth/login",
    operation_id="sessions_create",
    summary="Sign in",
    description=(
        "Answers the tokens of a session, or a challenge (`type` is `second_factor`) where the "
        "account has a second factor: go on with `/v1/auth/second-factor`. The refresh token is "
        "set as a cookie for browsers, or answered in the body."
    ),
    dependencies=[public, sensitive, off_rails("every sign-in opens a session of its own")],
    responses=problems(
        CredentialsRefused,
        SsoRequired,
        AccountDeactivated,
        AccountDeleted,
        EmailUnverified,
        HashingBusy,
    ),
)
async def create_session(
    body: Login, request: Request, response: Response, kernel: KernelDep, keys: SigningKeysDep
) -> SignInAnswer:
    outcome = await service.sign_in(kernel, body, device_of(request))
    return await answer_sign_in(response, kernel, keys, outcome)


@router.post(
    "/auth/refresh",
    operation_id="sessions_refresh",
    summary="Get another access token",
    description=(
        "Every refresh token is used once and replaced. For ten seconds a used one still gives "
        "the same successor, so that two tabs do not end each other's session; later it ends the "
        f"session. {_COOKIE_RULE}"
    ),
    dependencies=[public, sensitive, off_rails("a refresh token names its successor by itself")],
    responses=problems(RefreshTokenMissing, RefreshTokenInvalid, RefreshTokenReused, CsrfRefused),
)
async def refresh_session(
    request: Request,
    response: Response,
    kernel: KernelDep,
    keys: SigningKeysDep,
    body: RefreshRequest | None = None,
) -> TokenRead:
    token = _presented(request, kernel, body)
    async with kernel.database.unit(SYSTEM) as session:
        outcome = await service.rotate(
            session, kernel.vault, kernel.settings, token, device_of(request)
        )
    if isinstance(outcome, Unauthenticated):
        raise outcome
    return await answer_tokens(response, kernel, keys, outcome, in_cookie=body is None)


@router.post(
    "/auth/logout",
    operation_id="sessions_delete",
    summary="Sign out",
    description=(
        "Ends one session: the access token's, else the one of the refresh token in the body or "
        f"the cookie. {_COOKIE_RULE}"
    ),
    status_code=204,
    dependencies=[public, off_rails("a session that has ended stays ended")],
    responses=problems(
        TokenExpired,
        TokenInvalid,
        RefreshTokenMissing,
        RefreshTokenInvalid,
        CsrfRefused,
        SessionRequired,
    ),
)
async def delete_session(
    request: Request,
    response: Response,
    kernel: KernelDep,
    body: RefreshRequest | None = None,
) -> None:
    access = await _signed_in(request, kernel)
    token = "" if access else _presented(request, kernel, body)
    async with kernel.database.unit(SYSTEM) as session:
        if access:
            await service.end(session, access.user_id, access.credential_id)
        else:
            await service.end_by_token(session, token)
    cookies.clear(response, kernel.settings)


@router.post(
    "/auth/logout-all",
    operation_id="sessions_delete_all",
    summary="Sign out everywhere",
    description="Ends every session of the caller, this one included. API keys stay.",
    status_code=204,
    responses=problems(
        CredentialMissing, TokenExpired, TokenInvalid, ScopeMissing, SessionRequired
    ),
)
async def delete_all_sessions(
    session: Session, access: Person, response: Response, kernel: KernelDep
) -> None:
    await service.end_all(session, access)
    cookies.clear(response, kernel.settings)


@well_known.get(
    "/jwks.json",
    operation_id="jwks_get",
    summary="The public keys of access tokens",
    dependencies=[public],
    responses=problems(),
)
async def get_jwks(keys: SigningKeysDep, response: Response) -> KeySet:
    response.headers["Cache-Control"] = "public, max-age=300"
    return KeySet(keys=[PublicKey.model_validate(key) for key in await keys.jwks()])


def _presented(request: Request, kernel: Kernel, body: RefreshRequest | None) -> str:
    if body is not None:
        return body.refresh_token
    token = request.cookies.get(cookies.COOKIE)
    if not token:
        raise RefreshTokenMissing("Send the cookie of the sign-in, or `refresh_token` in the body.")
    csrf.check(request, kernel.settings)
    return token


async def _signed_in(request: Request, kernel: Kernel) -> Access | None:
    """The caller's session where the request carries an Authorization header."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, value = get_authorization_scheme_param(header)
    access = await resolve_access(
        request, kernel, HTTPAuthorizationCredentials(scheme=scheme, credentials=value)
    )
    if access.credential != "session":
        raise SessionRequired("An API key has no session to end; revoke the key instead.")
    return access
