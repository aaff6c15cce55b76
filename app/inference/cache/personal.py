"""The response cache as a store of personal data: what somebody asked, and was answered."""

from collections.abc import AsyncIterator
from typing import Any, Final

from app.core.kernel import Valkey
from app.oversight.privacy.people import Person
from app.oversight.privacy.stores import Entry, Tally, no_entries

PAGE: Final = 1000


class CacheStore:
    """Finds a person's entries by the sets that are named after them.

    It must be erased before Valkey's other keys, which have those sets among them. Questions in
    Qdrant carry the person's id, and those of a workspace its own, as all that is there. The
    entries end by themselves within days, and an archive has none of them.
    """

    name = "cache"

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    def export(self, person: Person) -> AsyncIterator[Entry]:  # noqa: ARG002
        return no_entries()

    async def erase(self, person: Person, tally: Tally) -> None:
        deleted = 0
        async for asked in self._asked(person):
            entries = await self._valkey.zrange(asked, 0, -1)
            for start in range(0, len(entries), PAGE):
                deleted += await self._valkey.unlink(*entries[start : start + PAGE])
            await self._valkey.unlink(asked)
        if deleted:
            await tally.add(self.name, "deleted", deleted)

    async def left(self, person: Person) -> int:
        return sum([1 async for _ in self._asked(person)])

    async def _asked(self, person: Person) -> AsyncIterator[Any]:
        pattern = f"cache-asked:*:{person.user_id}"
        async for key in self._valkey.scan_iter(match=pattern, count=PAGE):
            yield key
