"""The cookies of a session: HttpOnly, and bound to this host by their names."""

from typing import Final

from fastapi import Response

from app.core.config import Settings
from app.core.http.csrf import ACCESS_COOKIE

COOKIE: Final = "__Host-luminous_refresh"


def set_refresh(response: Response, token: str, settings: Settings) -> None:
    _set(response, COOKIE, token, settings.refresh_token_days * 86_400, settings)


def set_access(response: Response, token: str, settings: Settings) -> None:
    _set(response, ACCESS_COOKIE, token, settings.access_token_minutes * 60, settings)


def clear(response: Response, settings: Settings) -> None:
    """Make the browser forget both."""
    for name in (COOKIE, ACCESS_COOKIE):
        _set(response, name, "", 0, settings)


def _set(response: Response, name: str, value: str, seconds: int, settings: Settings) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=True,
        httponly=True,
        samesite=settings.cookie_same_site,
    )
    if settings.cookie_same_site == "none":
        # http.cookies writes this attribute from Python 3.14 on.
        header, cookie = response.raw_headers[-1]
        response.raw_headers[-1] = (header, cookie + b"; Partitioned")
