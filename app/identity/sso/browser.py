"""The cookie that ties a sign-in to the browser that began it, and the way back to the frontend."""

from fastapi import Request, Response

from app.core.config import Settings
from app.identity.sso.flows import FLOW_SECONDS, Begun, digest

_PREFIX = "__Host-luminous_sso_"


def base_url(request: Request, settings: Settings) -> str:
    """The address by which browsers and providers reach this service, without a last slash."""
    return (settings.public_url or str(request.base_url)).rstrip("/")


def set_cookie(response: Response, begun: Begun, *, posted_back: bool) -> None:
    """Each sign-in has a cookie of its own, so that two tabs do not end each other's.

    A provider that answers by a form posted from its own page (SAML) needs `SameSite=None`.
    """
    response.set_cookie(
        _name(begun.flow.ask.state),
        begun.cookie,
        max_age=FLOW_SECONDS,
        path="/",
        secure=True,
        httponly=True,
        samesite="none" if posted_back else "lax",
    )


def cookie_of(request: Request, state: str) -> str | None:
    return request.cookies.get(_name(state))


def go_on(url: str, state: str) -> Response:
    """Send the browser on to the frontend; its cookie has done its work."""
    response = Response(
        status_code=303,
        headers={
            "Location": url,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )
    response.delete_cookie(_name(state), path="/", secure=True, httponly=True)
    return response


def _name(state: str) -> str:
    return _PREFIX + digest(state)[:16]
