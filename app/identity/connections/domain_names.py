"""Domain names as they are compared, and where the proof of one is published."""

import re

import idna

CHALLENGE_HOST = "_luminous-challenge"
CHALLENGE_PREFIX = "luminous-verification="
# With the challenge's host before it, a name has 253 characters at most.
LONGEST_DOMAIN = 252 - len(CHALLENGE_HOST)

_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"({_LABEL}\.)+(?!\d+$){_LABEL}")


def normal_domain(value: str) -> str:
    """Lower case and in ASCII; raises ValueError for what is no domain name."""
    try:
        ascii_name = idna.encode(value.strip().rstrip("."), uts46=True).decode()
    except idna.IDNAError:
        raise ValueError("is not a domain name") from None
    if len(ascii_name) > LONGEST_DOMAIN or not _DOMAIN.fullmatch(ascii_name):
        raise ValueError("is not a domain name")
    return ascii_name
