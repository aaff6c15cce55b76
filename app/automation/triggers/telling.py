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
# What names are made of: `X-Api-Key`, `apiKey` and `api_key` of the same words.
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# A word that names a credential, also where it is run together with others (`accesstoken`).
_CREDENTIAL: Final = re.compile(
    r"o?auth(?!or(?!i[sz]))\w*|\w*cookies?|\w*credential\w*|hmac\w*|\w*jwt|\w*passw\w*"
    r"|passphrase|\w*pwd|\w*secret(?!ar)\w*|(asp|j|php)?sess(ion\w*|id)|\w*signature|signed"
    r"|\w*token(?!i[sz])\w*|sig|pass|otp"
    r"|(access|api|app|auth|client|license|master|private|secret|shared|signing)keys?"
)
# Before the word `key`: then it opens nothing.
_OPENS_NOTHING: Final = frozenset(
    {
        "cache", "column", "event", "foreign", "group", "hash", "idempotency", "issue", "lookup",
        "message", "natural", "object", "order", "partition", "primary", "project", "public",
        "range", "routing", "row", "sort", "translation", "unique",
    }
)  # fmt: skip
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
    words = [word.lower() for word in _WORDS.findall(name)]
    if words == ["code"]:
        return True
    return any(
        _CREDENTIAL.fullmatch(word) is not None
        or (word in ("key", "keys") and before not in _OPENS_NOTHING)
        for before, word in zip(["", *words], words, strict=False)
    )
