"""/v1/auth/sso/saml: what a SAML identity provider reads, and where it posts."""

from typing import Annotated, Any
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import Depends, Request, Response

from app.core.db import SYSTEM
from app.core.http.guard import KernelDep, guarded_router, public
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.rate_limits import sensitive
from app.identity.connections import crud as connections
from app.identity.sso import browser, service
from app.identity.sso.errors import SamlNotInstalled, SsoNotAvailable, SsoStateInvalid
from app.identity.sso.flows import Flows
from app.identity.sso.people import Returned
from app.identity.sso.saml import provider
from app.identity.sso.wired import WaysDep

router = guarded_router(prefix="/v1/auth/sso/saml", tag="sso")

_XML: dict[str, Any] = {"application/samlmetadata+xml": {}}
_URI: dict[str, Any] = {"schema": {"type": "string", "format": "uri"}}


async def installed() -> None:
    """Raise SamlNotInstalled where the extra is not installed."""
    if not provider.is_installed():
        raise SamlNotInstalled("An operator can install it: `pip install luminous[saml]`.")


@router.get(
    "/{sso_connection_id}/metadata",
    operation_id="saml_metadata_get",
    summary="What a connection's identity provider is told of us",
    dependencies=[public, Depends(installed)],
    response_class=Response,
    responses=problems(SamlNotInstalled, SsoNotAvailable)
    | {200: {"description": "SAML metadata", "content": _XML}},
)
async def get_metadata(sso_connection_id: UUID, request: Request, kernel: KernelDep) -> Response:
    async with kernel.database.unit(SYSTEM) as session:
        connection = await connections.find_living(session, sso_connection_id)
    if connection is None or connection.settings["type"] != "saml":
        raise SsoNotAvailable
    text = provider.metadata(connection, browser.base_url(request, kernel.settings))
    return Response(text, media_type="application/samlmetadata+xml")


async def posted(request: Request) -> dict[str, str]:
    """The fields of a form, two at most."""
    try:
        body = (await request.body()).decode("ascii")
        return dict(parse_qsl(body, max_num_fields=10))
    except ValueError:
        raise SsoStateInvalid("It is not the form of a SAML response.") from None


@router.post(
    "/acs",
    operation_id="saml_receive",
    summary="Where a SAML provider posts its answer",
    description="Not for frontends. It sends the browser on like `/v1/auth/sso/callback`.",
    dependencies=[public, sensitive, Depends(installed), off_rails("an assertion is taken once")],
    status_code=303,
    response_class=Response,
    responses=problems(SamlNotInstalled, SsoStateInvalid)
    | {303: {"description": "On to `redirect_to`.", "headers": {"Location": _URI}}},
)
async def receive_response(
    form: Annotated[dict[str, str], Depends(posted)],
    request: Request,
    kernel: KernelDep,
    ways: WaysDep,
) -> Response:
    state = form.get("RelayState", "")
    flows = Flows(kernel.valkey, kernel.vault)
    flow = await flows.take(state, browser.cookie_of(request, state))
    base = browser.base_url(request, kernel.settings)
    return browser.go_on(await service.arrive(kernel, ways, flow, Returned(form), base), state)
