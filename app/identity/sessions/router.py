"""Signing in, staying signed in, signing out; and the public keys of access tokens."""

from typing import Annotated, Protocol, cast

from fastapi import Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from fastapi.security.utils import get_authorization_scheme_param

from app.core.auth import Access, Permission
from app.core.db import SYSTEM
from app.core.errors import Unauthenticated, Unprocessable
from app.core.http.guard import (
    CredentialMissing,
    KernelDep,
    ScopeMissing,
    guarded_router,
    public,
    resolve_access,
)
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.kernel import Kernel
from app.identity.sessions import csrf, service, tokens
from app.identity.sessions.errors import (
    CredentialsRefused,
    CsrfRefused,
    RefreshTokenInvalid,
    RefreshTokenMissing,
    RefreshTokenReused,
    SessionRequired,
    TokenExpired,
    TokenInvalid,
)
from app.identity.sessions.guard import require_session
from app.identity.sessions.keys import SigningKeys
from app.identity.sessions.schemas import (
    KeySet,
    Login,
    PasswordChange,
    PublicKey,
    RefreshRequest,
    TokenRead,
)
from app.identity.users.errors import WrongCurrentPassword
from app.identity.users.passwords import HashingBusy

Person = Annotated[Access, require_session(Permission.PROFILE_WRITE)]

router = guarded_router(prefix="/v1", tag="sessions")
well_known = guarded_router(prefix="/.well-known", tag="sessions")

_COOKIE_RULE = (
    f"A browser's cookie is taken only with a listed `Origin` and the header `{csrf.HEADER}`."
)


class HoldsSigningKeys(Protocol):
    signing_keys: SigningKeys


def signing_keys_of(kernel: KernelDep) -> SigningKeys:
    """The keys that the composition root's resolver keeps."""
    return cast("HoldsSigningKeys", kernel.resolver).signing_keys


SigningKeysDep = Annotated[SigningKeys, Depends(signing_keys_of)]


@router.post(
    "/auth/login",
    operation_id="sessions_create",
    summary="Sign in",
    description="The refresh token is set as a cookie for browsers, or answered in the body.",
    dependencies=[public],
    responses=problems(CredentialsRefused, HashingBusy),
)
async def create_session(
    body: Login, request: Request, response: Response, kernel: KernelDep, keys: SigningKeysDep
) -> TokenRead:
    address = request.client.host if request.client else ""
    device = service.Device(request.headers.get("user-agent", ""), address)
    renewal = await service.sign_in(kernel.database, kernel.settings, body, device)
    in_cookie = body.refresh_token_in == "cookie"  # noqa: S105 - a place
    return await _answer(response, kernel, keys, renewal, in_cookie=in_cookie)


@router.post(
    "/auth/refresh",
    operation_id="sessions_refresh",
    summary="Get another access token",
    description=(
        "Every refresh token is used once and replaced. For ten seconds a used one still gives "
        "the same successor, so that two tabs do not end each other's session; later it ends the "
        f"session. {_COOKIE_RULE}"
    ),
    dependencies=[public],
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
        outcome = await service.rotate(session, kernel.vault, kernel.settings, token)
    if isinstance(outcome, Unauthenticated):
        raise outcome
    return await _answer(response, kernel, keys, outcome, in_cookie=body is None)


@router.post(
    "/auth/logout",
    operation_id="sessions_delete",
    summary="Sign out",
    description=(
        "Ends one session: the access token's, else the one of the refresh token in the body or "
        f"the cookie. {_COOKIE_RULE}"
    ),
    status_code=204,
    dependencies=[public],
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
            await service.end(session, access.credential_id)
        else:
            await service.end_by_token(session, token)
    csrf.clear_cookie(response)


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
async def delete_all_sessions(session: Session, access: Person, response: Response) -> None:
    await service.end_all(session, access)
    csrf.clear_cookie(response)


@router.post(
    "/me/password",
    operation_id="me_change_password",
    summary="Change the password",
    description="Ends the caller's other sessions. Not with an API key.",
    status_code=204,
    responses=problems(
        CredentialMissing,
        TokenExpired,
        TokenInvalid,
        ScopeMissing,
        SessionRequired,
        WrongCurrentPassword,
        Unprocessable,
        HashingBusy,
    ),
)
async def change_password(body: PasswordChange, access: Person, kernel: KernelDep) -> None:
    await service.change_password(kernel.database, access, body)


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
    token = request.cookies.get(csrf.COOKIE)
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


async def _answer(
    response: Response,
    kernel: Kernel,
    keys: SigningKeys,
    renewal: service.Renewal,
    *,
    in_cookie: bool,
) -> TokenRead:
    response.headers["Cache-Control"] = "no-store"
    if in_cookie:
        csrf.set_cookie(response, renewal.refresh_token, kernel.settings)
    return TokenRead(
        access_token=await tokens.sign(keys, kernel.settings, renewal.claims),
        token_type="Bearer",  # noqa: S106 - the name of the scheme
        expires_in=kernel.settings.access_token_minutes * 60,
        refresh_token=None if in_cookie else renewal.refresh_token,
    )
