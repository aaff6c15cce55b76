"""/v1/auth/sso: signing in by others."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from app.core.http.guard import KernelDep, guarded_router, public
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.rate_limits import sensitive
from app.core.http.units import SystemSession
from app.identity.connections.errors import SsoRequired
from app.identity.sessions.answering import SigningKeysDep, answer_sign_in, device_of
from app.identity.sessions.proving_schemas import SignInAnswer
from app.identity.sso import browser, service
from app.identity.sso.errors import (
    RedirectRefused,
    SamlNotInstalled,
    SsoAccountExists,
    SsoCodeInvalid,
    SsoEmailForeign,
    SsoEmailUnverified,
    SsoNotAMember,
    SsoNotAvailable,
    SsoProviderFailed,
    SsoStateInvalid,
)
from app.identity.sso.flows import FLOW_SECONDS, Arrival, Flows
from app.identity.sso.people import Returned
from app.identity.sso.schemas import (
    SsoComplete,
    SsoProvider,
    SsoProviders,
    SsoStart,
    SsoStarted,
)
from app.identity.sso.ways import installed
from app.identity.sso.wired import WaysDep
from app.identity.users.errors import AccountInactive, RegistrationClosed
from app.identity.workspaces.errors import MembershipSuspended

_URI: dict[str, Any] = {"schema": {"type": "string", "format": "uri"}}

router = guarded_router(prefix="/v1/auth/sso", tag="sso")


@router.get(
    "/providers",
    operation_id="sso_providers_list",
    summary="List the providers to sign in by",
    description="Those of this installation. A workspace's own connection is found by e-mail.",
    dependencies=[public],
    responses=problems(),
)
async def list_providers(kernel: KernelDep) -> SsoProviders:
    found = installed(kernel.settings)
    return SsoProviders(data=[SsoProvider(id=each, name=name) for each, name in found.items()])


@router.post(
    "/start",
    operation_id="sso_start",
    summary="Begin to sign in by another service",
    description=(
        "Keep the `verifier`, and send the browser to `authorization_url`. It comes back to "
        "`redirect_to` with `#code=…` for `/v1/auth/sso/complete`, or with `#error=…`. Call it "
        "with credentials: a cookie ties the sign-in to this browser. An unknown address answers "
        "like an unknown domain: no account is told of."
    ),
    dependencies=[public, sensitive, off_rails("every sign-in begins with secrets of its own")],
    responses=problems(RedirectRefused, SsoNotAvailable, SamlNotInstalled, SsoProviderFailed),
)
async def start_sso(
    body: SsoStart, request: Request, response: Response, kernel: KernelDep, ways: WaysDep
) -> SsoStarted:
    base = browser.base_url(request, kernel.settings)
    started = await service.start(kernel, ways, body, base)
    browser.set_cookie(response, started.begun, posted_back=started.posted_back)
    response.headers["Cache-Control"] = "no-store"
    return SsoStarted(
        authorization_url=started.authorization_url,
        verifier=started.begun.verifier,
        expires_in=FLOW_SECONDS,
    )


Parameter = Annotated[str | None, Query(max_length=4096)]


@router.get(
    "/callback",
    operation_id="sso_callback",
    summary="Where a provider sends the browser back to",
    description=(
        "Not for frontends. It checks where the browser comes from and sends it on to "
        "`redirect_to`, with a one-time code or an error in the fragment."
    ),
    dependencies=[public, sensitive],
    status_code=303,
    response_class=Response,
    responses=problems(SsoStateInvalid)
    | {303: {"description": "On to `redirect_to`.", "headers": {"Location": _URI}}},
)
async def receive_callback(
    request: Request,
    kernel: KernelDep,
    ways: WaysDep,
    state: Annotated[str, Query(max_length=200)],
    code: Parameter = None,
    iss: Parameter = None,
    error: Parameter = None,
) -> Response:
    flows = Flows(kernel.valkey, kernel.vault)
    flow = await flows.take(state, browser.cookie_of(request, state))
    given = {"code": code, "iss": iss, "error": error}
    returned = Returned({name: value for name, value in given.items() if value is not None})
    base = browser.base_url(request, kernel.settings)
    return browser.go_on(await service.arrive(kernel, ways, flow, returned, base), state)


async def arrived(kernel: KernelDep, body: SsoComplete) -> Arrival:
    """Who stands behind the code of a sign-in."""
    return await Flows(kernel.valkey, kernel.vault).redeem(body.code, body.verifier)


@router.post(
    "/complete",
    operation_id="sso_complete",
    summary="Finish signing in by another service",
    description=(
        "Answers like `/v1/auth/login`. Someone who comes for the first time gets an account, "
        "unless one has their address: then sign in to it and link the other with "
        "`POST /v1/me/identities`. Codes live for two minutes."
    ),
    dependencies=[public, sensitive, off_rails("the code is used up by being looked at")],
    responses=problems(
        SsoCodeInvalid,
        AccountInactive,
        MembershipSuspended,
        RegistrationClosed,
        SsoAccountExists,
        SsoEmailForeign,
        SsoEmailUnverified,
        SsoNotAMember,
        SsoNotAvailable,
        SsoRequired,
    ),
)
async def complete_sso(
    body: SsoComplete,
    arrival: Annotated[Arrival, Depends(arrived)],
    session: SystemSession,
    request: Request,
    response: Response,
    kernel: KernelDep,
    keys: SigningKeysDep,
) -> SignInAnswer:
    device = device_of(request)
    outcome = await service.complete(session, kernel.settings, arrival, body, device)
    return await answer_sign_in(response, kernel, keys, outcome)
