"""What may be done with retention policies."""

from uuid import UUID

from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.versions import match
from app.oversight.privacy.people import People
from app.oversight.privacy.retention import crud
from app.oversight.privacy.retention.models import RetentionPolicy
from app.oversight.privacy.retention.schemas import (
    DataClass,
    RetentionDays,
    RetentionDue,
    RetentionRead,
    RetentionUpdate,
)

FIRST_VERSION = 1


async def get(session: AsyncSession, access: Access, people: People) -> RetentionRead:
    return await _read(session, access.workspace_id, people)


async def replace(
    session: AsyncSession, access: Access, people: People, new: RetentionUpdate
) -> RetentionRead:
    """Set the policy of the caller's workspace; the job follows it from its next round on."""
    policy = await crud.get_or_add(session, access.workspace_id)
    await match(session, policy)
    policy.days = new.model_dump(exclude_none=True)
    await session.flush()
    await session.refresh(policy)
    return await _read(session, access.workspace_id, people)


async def _read(session: AsyncSession, workspace_id: UUID, people: People) -> RetentionRead:
    policy = await crud.get(session, workspace_id)
    days = policy.days if policy else {}
    return RetentionRead(
        workspace_id=workspace_id,
        days=RetentionDays.model_validate({each.value: days.get(each) for each in DataClass}),
        due=await _due(session, workspace_id, policy, people),
        version=policy.version if policy else FIRST_VERSION,
        updated_at=policy.updated_at if policy else None,
    )


async def _due(
    session: AsyncSession, workspace_id: UUID, policy: RetentionPolicy | None, people: People
) -> list[RetentionDue]:
    found = []
    at_home = await people.at_home(session, workspace_id)
    for data_class, days in sorted((policy.days if policy else {}).items()):
        for table in crud.tables_of(data_class):
            rule = crud.too_old(table, workspace_id, at_home, now(), days)
            rows = await crud.count(session, table, rule)
            found.append(
                RetentionDue(data_class=DataClass(data_class), table=table.name, rows=rows)
            )
    return found
