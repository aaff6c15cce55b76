"""The headers of every answer that say what a browser or a cache may do with it."""

from typing import Final

from app.core.config import Settings

Headers = list[tuple[bytes, bytes]]

API_CSP: Final = "default-src 'none'; frame-ancestors 'none'"
HSTS: Final = "max-age=31536000"  # a year
PERMISSIONS: Final = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "browsing-topics", "camera", "display-capture", "geolocation",
        "gyroscope", "magnetometer", "microphone", "midi", "payment", "usb",
    )
)  # fmt: skip
JSON: Final = (b"application/json", b"application/problem+json")
NO_STORE: Final = (b"cache-control", b"no-store")
REVALIDATE: Final = (b"cache-control", b"private, no-cache")


def security_headers(settings: Settings) -> Headers:
    """What an answer says that does not say it itself."""
    headers = {
        "content-security-policy": API_CSP,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": PERMISSIONS,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    if settings.public_url.lower().startswith("https://"):
        headers["strict-transport-security"] = HSTS
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def complete(headers: Headers, status: int, defaults: Headers) -> None:
    """Add what is missing: the defaults, and of JSON whether a cache may keep it."""
    told = dict(headers)  # ASGI has their names in lower case
    headers += [default for default in defaults if default[0] not in told]
    if b"cache-control" in told:
        return
    if b"etag" in told and (status == 304 or _is_json(told)):
        headers.append(REVALIDATE)
    elif _is_json(told):
        headers.append(NO_STORE)


def _is_json(told: dict[bytes, bytes]) -> bool:
    return told.get(b"content-type", b"").startswith(JSON)
