"""Uploaded files as a store of personal data."""

from collections.abc import AsyncIterator

from app.knowledge.storage.files import Files
from app.oversight.privacy.people import Person
from app.oversight.privacy.stores import Entry, Tally, no_entries


class WorkspaceFiles:
    """Whatever is kept under the workspaces that go with a person.

    A person's own documents in other workspaces are deleted, and all of them exported, by what
    knows whose they are.
    """

    name = "uploads"

    def __init__(self, files: Files) -> None:
        self._files = files

    def export(self, person: Person) -> AsyncIterator[Entry]:  # noqa: ARG002
        return no_entries()

    async def erase(self, person: Person, tally: Tally) -> None:
        for workspace_id in sorted(person.workspaces):
            deleted = await self._files.delete_all(workspace_id)
            if deleted:
                await tally.add(self.name, "deleted", deleted)

    async def left(self, person: Person) -> int:
        found = 0
        for workspace_id in person.workspaces:
            async for _ in self._files.keys(workspace_id):
                found += 1
        return found
