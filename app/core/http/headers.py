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


class Defaults:
    """What an answer says that does not say it itself."""

    def __init__(self, settings: Settings) -> None:
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
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._names = frozenset(name for name, _ in self._headers)

    def complete(self, headers: Headers, told: dict[bytes, bytes], status: int) -> None:
        """Add what is missing: the defaults, and of JSON whether a cache may keep it.

        `told` are the headers by name, which ASGI has in lower case.
        """
        if self._names.isdisjoint(told):
            headers += self._headers
        else:
            headers += [default for default in self._headers if default[0] not in told]
        if b"cache-control" in told:
            return
        is_json = told.get(b"content-type", b"").startswith(JSON)
        if b"etag" in told and (status == 304 or is_json):
            headers.append(REVALIDATE)
        elif is_json:
            headers.append(NO_STORE)
