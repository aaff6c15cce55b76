"""Valkey as a store of personal data: the keys that are named after the person."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

from app.core.kernel import Valkey
from app.oversight.privacy.people import Person
from app.oversight.privacy.stores import Entry, Tally, no_entries

PAGE = 1000


class ValkeyStore:
    """Limits, locks, tickets and caches: whatever has the person's id or address in its name.

    It is all short-lived and nothing that a person has given us, so an archive has none of it.
    """

    name = "valkey"

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    def export(self, person: Person) -> AsyncIterator[Entry]:  # noqa: ARG002
        return no_entries()

    async def erase(self, person: Person, tally: Tally) -> None:
        deleted = 0
        async for keys in self._found(person):
            deleted += await self._valkey.unlink(*keys)
        if deleted:
            await tally.add(self.name, "deleted", deleted)

    async def left(self, person: Person) -> int:
        return sum([len(keys) async for keys in self._found(person)])

    async def _found(self, person: Person) -> AsyncIterator[list[Any]]:
        words = _words(person)
        cursor = 0
        while True:
            cursor, keys = await self._valkey.scan(cursor, count=PAGE)
            if found := [key for key in keys if any(word in key.lower() for word in words)]:
                yield found
            if cursor == 0:
                return


def _words(person: Person) -> list[bytes]:
    ids = (person.user_id, *person.workspaces)
    words = [str(each).encode() for each in ids]
    if person.email:
        email = person.email.lower().encode()
        # Whoever has no account yet is counted by a digest of the address.
        words += [email, hashlib.sha256(email).hexdigest().encode()]
    return words
