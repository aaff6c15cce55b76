"""A million random keys, and what they cost."""

import secrets
import string
from collections.abc import Iterator

from app.identity.api_keys import secret
from app.identity.api_keys.errors import ApiKeyInvalid
from tests.support.identity import counted_queries, new_key, new_person

MILLION = 1_000_000
LENGTH = 36
_ALPHABET = string.digits + string.ascii_letters
# Bytes as characters of keys; the little unevenness matters to nobody here.
_CHARACTERS = bytes(ord(_ALPHABET[n % len(_ALPHABET)]) for n in range(256))


def random_keys(count: int) -> Iterator[str]:
    """Keys of the right form, with any characters."""
    characters = secrets.token_bytes(count * LENGTH).translate(_CHARACTERS).decode()
    for start in range(0, count * LENGTH, LENGTH):
        yield secret.PREFIX + characters[start : start + LENGTH]


def mistyped(key: str) -> Iterator[str]:
    """A key with each of its characters changed, left out, doubled, or swapped with the next."""
    for n in range(len(secret.PREFIX), len(key)):
        before, at, after = key[:n], key[n], key[n + 1 :]
        yield from (before + other + after for other in _ALPHABET if other != at)
        yield before + after
        yield before + at + at + after
        if after and after[0] != at:
            yield before + after[0] + at + after[1:]


async def refused_without_a_look(kernel, keys) -> int:
    """How many keys were refused; whatever else happens is an error."""
    resolve, refused = kernel.resolver.resolve, 0
    for key in keys:
        try:
            await resolve(key, None)
        except ApiKeyInvalid:
            refused += 1
    return refused


async def test_a_million_random_keys_cause_no_query(kernel):
    async with counted_queries(kernel) as sent:
        refused = await refused_without_a_look(kernel, random_keys(MILLION))
    assert refused == MILLION
    # The service's own jobs may ask something meanwhile, but nothing about keys.
    assert [statement for statement in sent if "api_keys" in statement] == []


async def test_no_slip_of_the_fingers_causes_a_query(client, kernel):
    key = (await new_key(client, await new_person(client)))["key"]
    slips = list(mistyped(key))
    async with counted_queries(kernel) as sent:
        refused = await refused_without_a_look(kernel, slips)
    assert refused == len(slips) > 2000
    assert [statement for statement in sent if "api_keys" in statement] == []
