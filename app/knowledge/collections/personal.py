"""Documents as a store of personal data: what a person uploaded, with the files."""

from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

from app.core.db import SYSTEM, Database
from app.knowledge.collections import personal_crud as crud
from app.knowledge.collections.models import DocumentVersion
from app.knowledge.collections.removing import remove_files
from app.knowledge.storage.files import Files
from app.oversight.privacy.people import Person
from app.oversight.privacy.stores import Entry, Tally

PAGE: Final = 100
# Each of them may have thousands of passages, and a statement has half a minute.
AT_ONCE: Final = 10


class DocumentStore:
    """Gives a person the files of their documents, and deletes these with their owner.

    What others put into a collection that a person made for their team stays the team's. The
    files of workspaces that go with the person are another store's.
    """

    name = "documents"

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    async def export(self, person: Person) -> AsyncIterator[Entry]:
        after: UUID | None = None
        while page := await self._versions(person, after):
            for version in page:
                if version.size is not None:
                    yield Entry(
                        f"documents/{version.document_id}/{version.number}",
                        "a document that you uploaded",
                        self._files.read(version.file_key),
                    )
            after = page[-1].id

    async def erase(self, person: Person, tally: Tally) -> None:
        """Rows first: triggers have their passages, vectors and files go after them."""
        deleted = AT_ONCE
        while deleted == AT_ONCE:
            async with self._database.unit(SYSTEM) as session:
                deleted = await crud.delete_some(session, person, AT_ONCE)
                if deleted:
                    place = f"postgres/{self.name}"
                    await tally.add(place, "deleted", deleted, session=session)
        async with self._database.unit(SYSTEM) as session:
            await crud.delete_collections(session, person)
        removed = await remove_files(self._database, self._files)
        if removed:
            await tally.add(f"files/{self.name}", "deleted", removed)

    async def left(self, person: Person) -> int:
        async with self._database.unit(SYSTEM) as session:
            return await crud.count(session, person)

    async def _versions(self, person: Person, after: UUID | None) -> Sequence[DocumentVersion]:
        async with self._database.unit(SYSTEM) as session:
            return await crud.versions(session, person, after, PAGE)
