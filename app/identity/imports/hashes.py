"""Which hashes of other systems are taken: those that this service can check, at a bearable cost.

A hash names its own cost, so one that says 4 GiB would cost that at every sign-in.
"""

import re

from app.identity.users.passwords import context

MOST_LETTERS = 512
MOST_MEMORY = 128 * 1024 * 1024
MOST_BCRYPT_COST = 14
MOST_ARGON2_WORK = 1024 * 1024  # KiB times passes
MOST_ARGON2_LANES = 16
MOST_SCRYPT_WORK = 2**22  # N * r * p

_BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}")
_ARGON2 = re.compile(
    r"\$argon2(id|i|d)\$v=(16|19)\$m=(?P<memory>\d{1,8}),t=(?P<passes>\d{1,8}),p=(?P<lanes>\d{1,4})"
    r"\$[A-Za-z0-9+/]{11,88}\$[A-Za-z0-9+/]{22,88}"
)
_SCRYPT = re.compile(
    r"\$scrypt\$ln=(?P<log>\d{1,2}),r=(?P<block>\d{1,4}),p=(?P<lanes>\d{1,4})"
    r"\$[A-Za-z0-9+/]{0,88}\$[A-Za-z0-9+/]{22,88}"
)


def checked_hash(text: str) -> str:
    """The hash, if its owner can sign in with it; raises ValueError with the reason."""
    if len(text) > MOST_LETTERS:
        raise ValueError("is longer than any hash that is taken")
    for form, bearable in ((_BCRYPT, _bcrypt), (_ARGON2, _argon2), (_SCRYPT, _scrypt)):
        if found := form.fullmatch(text):
            if not bearable(found):
                raise ValueError("asks for more work or memory than is taken")
            _refuse_unreadable(text)
            return text
    raise ValueError("is no bcrypt ($2b$), Argon2 ($argon2id$) or scrypt ($scrypt$) hash")


def _bcrypt(found: re.Match[str]) -> bool:
    return 4 <= int(found["cost"]) <= MOST_BCRYPT_COST


def _argon2(found: re.Match[str]) -> bool:
    memory, passes, lanes = (int(found[name]) for name in ("memory", "passes", "lanes"))
    return (
        memory * 1024 <= MOST_MEMORY
        and memory * passes <= MOST_ARGON2_WORK
        and lanes <= MOST_ARGON2_LANES
    )


def _scrypt(found: re.Match[str]) -> bool:
    block, lanes = int(found["block"]), int(found["lanes"])
    rounds = 1 << int(found["log"])
    return 128 * rounds * block <= MOST_MEMORY and rounds * block * lanes <= MOST_SCRYPT_WORK


def _refuse_unreadable(text: str) -> None:
    scheme = context.identify(text)
    try:
        context.handler(scheme).from_string(text)
    except (ValueError, TypeError):
        raise ValueError("is not a whole hash") from None
