"""A person's access, as a resolved request would have it."""

from uuid import UUID

from app.core.auth import Access, Permission
from tests.support.identity import Person


def access_of(person: Person) -> Access:
    return Access(
        UUID(person.workspace_id),
        UUID(person.user_id),
        frozenset(Permission),
        "session",
        UUID(person.user_id),
    )
