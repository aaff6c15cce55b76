"""The defence of what a browser's cookie authenticates against requests from other sites."""

from typing import Final

from fastapi import Request

from app.core.config import Settings
from app.core.errors import PermissionDenied

ACCESS_COOKIE: Final = "__Host-luminous_access"
HEADER: Final = "X-Requested-With"
READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class CsrfRefused(PermissionDenied):
    code = "csrf_refused"
    title = "The request may come from another site"


def check(request: Request, settings: Settings) -> None:
    """Raise CsrfRefused unless a page of a listed origin sent this request on purpose."""
    if not request.headers.get(HEADER):
        raise CsrfRefused(f"Send the header `{HEADER}: luminous`.")
    if request.headers.get("origin", "").lower() not in _origins(request, settings):
        raise CsrfRefused("The Origin is not listed; see LUMINOUS_CORS_ORIGINS.")


def access_cookie(request: Request, settings: Settings) -> str | None:
    """The access token in the request's cookie; raises CsrfRefused for an undefended write."""
    token = request.cookies.get(ACCESS_COOKIE)
    if token and request.method not in READS:
        check(request, settings)
    return token


def _origins(request: Request, settings: Settings) -> set[str]:
    host = request.headers.get("host", "")
    # Behind a proxy that ends TLS the scheme seen here is http, so https is taken as well.
    own = {f"{request.url.scheme}://{host}", f"https://{host}"} if host else set()
    public = "/".join(settings.public_url.split("/")[:3])
    listed = {origin.rstrip("/") for origin in settings.cors_origins} | {public}
    return {origin.lower() for origin in own | listed if origin}
