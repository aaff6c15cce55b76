"""Whom a passkey is made for: this installation's domain, and the pages that may ask for it."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from app.core.config import Settings

NAME: Final = "Luminous"
_LOCAL: Final = re.compile(r"https?://localhost(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """`id` is the domain that passkeys are bound to, `origins` the pages that may use them."""

    id: str
    origins: tuple[str, ...]

    def origins_with(self, claimed: str) -> list[str]:
        """The allowed origins; any port of localhost is one while that is the domain."""
        if self.id == "localhost" and _LOCAL.fullmatch(claimed):
            return [*self.origins, claimed]
        return list(self.origins)


def relying_party(settings: Settings) -> RelyingParty:
    """The domain by its setting, else that of the app, else that of the service."""
    own = [url for url in (settings.app_url, settings.public_url) if url]
    hosts = [urlsplit(url).hostname or "" for url in own]
    origins = {"/".join(url.split("/")[:3]).lower() for url in own}
    return RelyingParty(
        id=settings.passkey_domain or next(filter(None, hosts), "localhost"),
        origins=tuple(sorted(origins | {each.lower() for each in settings.cors_origins})),
    )
