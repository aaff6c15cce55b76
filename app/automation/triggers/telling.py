"""What a workflow sees of a message beside its body: nothing that is there to prove who sent it.

A delivery keeps this, and so may a run: a credential would then stand wherever those are shown.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from app.automation.triggers import signatures

MOST_HEADERS: Final = 64
MOST_HEADER: Final = 2000
# Shown to every workflow; the trigger names further ones.
SHOWN: Final = frozenset({"content-type", "user-agent", "webhook-id", "webhook-timestamp"})
# Never shown, and what sounds like a credential only where the trigger names it.
HIDDEN: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
_CREDENTIAL: Final = re.compile(
    r"auth(?!ors?(?![a-z]))|cookie|credential|hmac|jwt|key(?!word)|passw|passphrase|pwd|secret"
    r"|session|signature|signed|token|(?<![a-z])(sig|pass|otp)(?![a-z])|^code$"
)
_OF_PROXIES: Final = re.compile(r"forwarded|real-ip")


def headers_shown(headers: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, str]:
    """Those that a webhook's workflow may see; names in lower case."""
    wanted = SHOWN | set(settings["headers"])
    signature = settings["verification"].get("header", signatures.SIGNATURE)
    names = [
        name
        for name in headers
        if (name in wanted or (name.startswith("x-") and _is_plain(name)))
        and name not in HIDDEN
        and name != signature
    ]
    return {name: headers[name][:MOST_HEADER] for name in names[:MOST_HEADERS]}


def query_shown(query: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of the address; one that sounds like a credential where the trigger names it.

    A trigger that was kept before there was a choice names none.
    """
    wanted = settings.get("query", ())
    return {
        name: value for name, value in query.items() if name in wanted or not _is_credential(name)
    }


def _is_plain(header: str) -> bool:
    return not (_is_credential(header) or _OF_PROXIES.search(header))


def _is_credential(name: str) -> bool:
    return _CREDENTIAL.search(name.lower()) is not None
