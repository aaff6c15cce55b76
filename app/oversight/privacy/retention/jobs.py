"""Deletes what is older than its workspace's policy."""

from datetime import timedelta
from uuid import UUID

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.oversight.audit.retention import prune_chain
from app.oversight.privacy.privacy import Privacy
from app.oversight.privacy.retention import crud
from app.oversight.privacy.retention.models import RetentionPolicy
from app.oversight.privacy.retention.schemas import DataClass
from app.oversight.privacy.tables import DataTable

log = get_logger(__name__)

NAME = "privacy retention"
EVERY = timedelta(hours=1)
PAGE = 100


def retention_job(kernel: Kernel, privacy: Privacy) -> Job:
    return Job(NAME, EVERY, Retention(kernel, privacy).run)


class Retention:
    """Follows every policy, in batches that commit: cut off, the next round goes on."""

    def __init__(self, kernel: Kernel, privacy: Privacy) -> None:
        self._database = kernel.database
        self._vault = kernel.vault
        self._people = privacy.people

    async def run(self) -> None:
        after: UUID | None = None
        while True:
            async with self._database.unit(SYSTEM) as session:
                policies = await crud.page(session, after, PAGE)
            for policy in policies:
                try:
                    await self._follow(policy)
                except Exception as error:  # noqa: BLE001 - the others come all the same
                    about = str(policy.workspace_id)
                    log.warning("retention_failed", workspace_id=about, reason=repr(error))
            if len(policies) < PAGE:
                return
            after = policies[-1].id

    async def _follow(self, policy: RetentionPolicy) -> None:
        for data_class, days in policy.days.items():
            if data_class == DataClass.AUDIT:
                await self._prune_trail(policy.workspace_id, days)
                continue
            for table in crud.tables_of(data_class):
                deleted = await self._delete(table, policy.workspace_id, days)
                if deleted:
                    log.info(
                        "retention_enforced",
                        workspace_id=str(policy.workspace_id),
                        table=table.name,
                        rows=deleted,
                    )

    async def _delete(self, table: DataTable, workspace_id: UUID, days: int) -> int:
        at, total, deleted = now(), 0, crud.BATCH
        while deleted == crud.BATCH:
            async with self._database.unit(SYSTEM) as session:
                at_home = await self._people.at_home(session, workspace_id)
                rule = crud.too_old(table, workspace_id, at_home, at, days)
                deleted = await crud.delete_batch(session, table, rule)
            total += deleted
        return total

    async def _prune_trail(self, workspace_id: UUID, days: int) -> None:
        while await prune_chain(self._database, self._vault, workspace_id, older_than_days=days):
            pass
