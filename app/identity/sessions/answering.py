"""Answering with tokens: in the body, or in cookies that a page's scripts cannot read."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.core.http.rate_limits import address_of
from app.core.kernel import Kernel
from app.identity.sessions import cookies, proving, tokens
from app.identity.sessions.keys import SigningKeys
from app.identity.sessions.opening import Device, Renewal, SecondFactorNeeded
from app.identity.sessions.proving_schemas import SignInAnswer
from app.identity.sessions.schemas import TokenRead


def signing_keys_of(request: Request) -> SigningKeys:
    keys: SigningKeys = request.app.state.signing_keys
    return keys


SigningKeysDep = Annotated[SigningKeys, Depends(signing_keys_of)]


def device_of(request: Request) -> Device:
    """What a request tells of where it comes from."""
    return Device(request.headers.get("user-agent", ""), address_of(request.scope))


async def answer_sign_in(
    response: Response,
    kernel: Kernel,
    keys: SigningKeys,
    outcome: Renewal | SecondFactorNeeded,
) -> SignInAnswer:
    """The tokens of a session, or the challenge that comes before them."""
    if isinstance(outcome, SecondFactorNeeded):
        response.headers["Cache-Control"] = "no-store"
        return SignInAnswer(await proving.ask_second_factor(kernel, outcome))
    in_cookie = outcome.places.refresh_in_cookie
    return SignInAnswer(await answer_tokens(response, kernel, keys, outcome, in_cookie=in_cookie))


async def answer_tokens(
    response: Response,
    kernel: Kernel,
    keys: SigningKeys,
    renewal: Renewal,
    *,
    in_cookie: bool,
) -> TokenRead:
    """The tokens of a session; one that keeps to cookies never shows them in a body."""
    response.headers["Cache-Control"] = "no-store"
    hidden = renewal.places.access_in_cookie
    access_token = await tokens.sign(keys, kernel.settings, renewal.claims)
    if in_cookie or hidden:
        cookies.set_refresh(response, renewal.refresh_token, kernel.settings)
    if hidden:
        cookies.set_access(response, access_token, kernel.settings)
    return TokenRead(
        type="tokens",
        access_token=None if hidden else access_token,
        token_type="Bearer",  # noqa: S106 - the name of the scheme
        expires_in=kernel.settings.access_token_minutes * 60,
        refresh_token=None if in_cookie or hidden else renewal.refresh_token,
    )
