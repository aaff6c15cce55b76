"""What the processes remember of keys is dropped when what it came from changes."""

from uuid import UUID

from app.core.db import AsyncSession, on_commit
from app.core.kernel import Kernel


def forget_on_commit(session: AsyncSession, kernel: Kernel, *subject_ids: UUID) -> None:
    """Have every process forget these keys, or all keys of these users or workspaces.

    It is told once the transaction has committed; call it wherever a key, a user's standing, a
    membership, a role or a workspace changes what a key may do.
    """
    resolver = kernel.resolver
    if resolver is None:
        return

    def tell() -> None:
        for subject_id in subject_ids:
            resolver.forget(subject_id)

    on_commit(session, tell)
