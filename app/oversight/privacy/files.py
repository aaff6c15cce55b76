"""The data folder as a store of personal data: archives of people, and the development mailbox."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from app.oversight.privacy.people import Person
from app.oversight.privacy.stores import Entry, Tally, no_entries

FOLDERS = ("exports", "mailbox", "avatars")
LARGEST_READ = 4 * 1024 * 1024


class FileStore:
    """Files under the person's id, and mails to their address.

    Archives are copies of what an archive holds, so none of this is exported again.
    """

    name = "files"

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def export(self, person: Person) -> AsyncIterator[Entry]:  # noqa: ARG002
        return no_entries()

    async def erase(self, person: Person, tally: Tally) -> None:
        deleted = await asyncio.to_thread(self._delete, person)
        if deleted:
            await tally.add(self.name, "deleted", deleted)

    async def left(self, person: Person) -> int:
        return await asyncio.to_thread(lambda: sum(1 for _ in self._found(person)))

    def _delete(self, person: Person) -> int:
        deleted = 0
        for path in [*self._found(person)]:
            path.unlink(missing_ok=True)
            deleted += 1
        return deleted

    def _found(self, person: Person) -> Iterator[Path]:
        for folder in FOLDERS:
            for path in (self._data_dir / folder).rglob("*"):
                if path.is_file() and _is_about(path, person):
                    yield path


def _is_about(path: Path, person: Person) -> bool:
    if str(person.user_id) in str(path):
        return True
    if not person.email or path.stat().st_size > LARGEST_READ:
        return False
    try:
        return person.email.lower().encode() in path.read_bytes().lower()
    except FileNotFoundError:
        return False
