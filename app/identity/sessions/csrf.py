"""The refresh cookie, and the defence of the routes that take it against other sites."""

from fastapi import Request, Response

from app.core.config import Settings
from app.identity.sessions.errors import CsrfRefused

COOKIE = "__Host-luminous_refresh"
HEADER = "X-Requested-With"


def set_cookie(response: Response, token: str, settings: Settings) -> None:
    response.set_cookie(
        COOKIE,
        token,
        max_age=settings.refresh_token_days * 86_400,
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )


def clear_cookie(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")


def check(request: Request, settings: Settings) -> None:
    """Raise CsrfRefused unless a page of a listed origin sent this request on purpose."""
    if not request.headers.get(HEADER):
        raise CsrfRefused(f"Send the header `{HEADER}: luminous`.")
    if request.headers.get("origin", "").lower() not in _origins(request, settings):
        raise CsrfRefused("The Origin is not listed; see LUMINOUS_CORS_ORIGINS.")


def _origins(request: Request, settings: Settings) -> set[str]:
    host = request.headers.get("host", "")
    # Behind a proxy that ends TLS the scheme seen here is http, so https is taken as well.
    own = {f"{request.url.scheme}://{host}", f"https://{host}"} if host else set()
    public = "/".join(settings.public_url.split("/")[:3])
    listed = {origin.rstrip("/") for origin in settings.cors_origins} | {public}
    return {origin.lower() for origin in own | listed if origin}
