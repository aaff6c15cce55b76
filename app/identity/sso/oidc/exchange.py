"""Redeeming an authorization code, and asking on a person's behalf."""

import base64
from typing import Any
from urllib.parse import quote

from app.core.errors import AppError
from app.core.outbound import Answer, Outbound
from app.identity.sso.errors import SsoAssertionRefused, SsoDenied, SsoProviderFailed
from app.identity.sso.people import Ask, Returned


def code_of(returned: Returned, *, issuers: frozenset[str], issuer_needed: bool) -> str:
    """The code that the browser brought back.

    Raises SsoDenied for an error in its place, and SsoAssertionRefused where it comes from
    another issuer than the one that was asked (RFC 9207).
    """
    issuer = returned.parameters.get("iss")
    if (issuer is None and issuer_needed) or (issuer is not None and issuer not in issuers):
        raise SsoAssertionRefused("The answer comes from another issuer than was asked.")
    if error := returned.parameters.get("error"):
        raise SsoDenied(f"It answered `{error[:100]}`.")
    code = returned.parameters.get("code")
    if not code:
        raise SsoAssertionRefused("The answer holds no code.")
    return code


async def redeem(
    outbound: Outbound,
    endpoint: str,
    ask: Ask,
    code: str,
    *,
    client_id: str,
    client_secret: str,
    posts_secret: bool,
) -> dict[str, Any]:
    """The token answer for a code; raises SsoAssertionRefused and SsoProviderFailed."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": ask.redirect_uri,
        "code_verifier": ask.pkce_verifier,
    }
    headers = {"Accept": "application/json"}
    if posts_secret:
        form |= {"client_id": client_id, "client_secret": client_secret}
    else:
        pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    answer = await ask_provider(outbound, "POST", endpoint, headers=headers, form=form)
    if 400 <= answer.status < 500:
        raise SsoAssertionRefused("The provider does not take the code.")
    if answer.status != 200:
        raise SsoProviderFailed(f"{answer.host} answered with status {answer.status}.")
    tokens = json_object(answer)
    if "error" in tokens or not isinstance(tokens.get("access_token"), str):
        raise SsoAssertionRefused("The provider does not take the code.")
    return tokens


async def with_token(outbound: Outbound, url: str, access_token: str) -> Answer:
    """What a resource of the provider answers to a person's access token."""
    headers = {"Accept": "application/json", "Authorization": f"Bearer {access_token}"}
    answer = await ask_provider(outbound, "GET", url, headers=headers)
    if answer.status != 200:
        raise SsoProviderFailed(f"{answer.host} answered with status {answer.status}.")
    return answer


async def ask_provider(outbound: Outbound, method: str, url: str, **more: Any) -> Answer:
    """One guarded call; raises SsoProviderFailed for whatever goes wrong with it."""
    try:
        return await outbound.fetch(method, url, **more)
    except AppError as error:
        raise SsoProviderFailed(error.detail) from error


def json_object(answer: Answer) -> dict[str, Any]:
    try:
        return answer.json_object()
    except AppError as error:
        raise SsoProviderFailed(error.detail) from error
