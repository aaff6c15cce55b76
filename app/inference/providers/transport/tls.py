"""Trust in a server, and TLS sessions that are taken up again."""

import ssl
from functools import lru_cache
from typing import Any, Final

MOST_SESSIONS: Final = 1024


class ResumingContext(ssl.SSLContext):
    """A client's context that remembers each server's last session.

    asyncio and uvloop wrap their connections by `wrap_bio`, and have no place for a session there.
    """

    def __init__(self, protocol: int) -> None:  # noqa: ARG002 - `__new__` takes it
        self._sessions: dict[str, ssl.SSLSession] = {}

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        name = options.get("server_hostname") or ""
        options["session"] = self._sessions.get(name)
        return super().wrap_bio(*args, **options)

    def remember(self, name: str, session: ssl.SSLSession | None) -> None:
        """Keep what a server of this name gave, for the next connection to it."""
        if session is None or not session.has_ticket:
            return
        if len(self._sessions) >= MOST_SESSIONS:
            self._sessions.clear()
        self._sessions[name] = session


def client_context(authorities: str | None = None) -> ResumingContext:
    """Verifies certificates and names, by the system's authorities or those of a PEM file."""
    context = ResumingContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if authorities is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(authorities)
    return context


@lru_cache(maxsize=1)
def system_context() -> ResumingContext:
    """The context of all who trust what the system trusts; reading its list takes a while."""
    return client_context()
