"""Workspaces whose time to be restored is over are erased for good.

Their audit chains are kept: they are evidence, refer to no row that goes, and are told of the end
in the transaction that makes it. Retention prunes them by age like every other, with a signed
checkpoint. Cut off anywhere, the job goes on where it was: the workspace's own row is the last.
"""

from collections import Counter
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.core.audit import Note, note
from app.core.clock import now
from app.core.db import RESTORABLE, SYSTEM, AsyncSession
from app.core.ids import new_id
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.identity.workspaces import crud
from app.oversight.privacy.people import Person
from app.oversight.privacy.privacy import Privacy
from app.oversight.privacy.stores import Action

log = get_logger(__name__)

NAME: Final = "workspaces"
# A restoration that began in time is over by then.
MARGIN: Final = timedelta(hours=1)
AT_ONCE: Final = 100
OWN_ROW: Final = "postgres/workspaces"


def workspaces_job(kernel: Kernel, privacy: Privacy) -> Job:
    """The job that erases what was deleted more than thirty days ago, from every store."""

    async def purge() -> None:
        before = now() - RESTORABLE - MARGIN
        async with kernel.database.unit(SYSTEM) as session:
            due = await crud.deleted_before(session, before, AT_ONCE)
        for workspace_id in due:
            try:
                await _purge(privacy, workspace_id)
            except Exception as error:  # noqa: BLE001 - the others come all the same
                log.warning("purge_failed", workspace_id=str(workspace_id), reason=repr(error))

    return Job(NAME, timedelta(hours=6), purge)


async def _purge(privacy: Privacy, workspace_id: UUID) -> None:
    """Erase what is in a workspace, whoever it is about, and nothing else of anyone."""
    purge = Purge(workspace_id)
    nobody = Person(new_id(), workspaces=frozenset({workspace_id}))
    for store in privacy.stores:
        await store.erase(nobody, purge)
    log.info("workspace_purged", workspace_id=str(workspace_id), deleted=dict(purge.deleted))


class Purge:
    """The Tally of one workspace."""

    def __init__(self, workspace_id: UUID) -> None:
        self._workspace_id = workspace_id
        self.deleted: Counter[str] = Counter()

    async def add(
        self,
        place: str,
        action: Action,
        count: int,
        *,
        reason: str = "",  # noqa: ARG002 - nothing of a workspace is kept but its trail
        session: AsyncSession | None = None,
    ) -> None:
        if action == "deleted":
            self.deleted[place] += count
        if place == OWN_ROW and action == "deleted" and session is not None:
            what = Note(
                "workspace.purged",
                "workspace",
                self._workspace_id,
                workspace_id=self._workspace_id,
                detail={"deleted": dict(self.deleted)},
            )
            note(session, what)
