"""Workflows as something that a search finds."""

from collections.abc import Sequence
from uuid import UUID

from app.automation.workflows.finding import KIND
from app.automation.workflows.models import WORKFLOW_KIND
from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.identity.versioned import rows
from app.knowledge.passages.sources import Source
from app.knowledge.vectors.index import Reach


class WorkflowSource(Source):
    """The living workflows that the caller sees."""

    kind = KIND

    async def reach(self, session: AsyncSession, access: Access) -> Reach | None:
        if Permission.WORKFLOWS_READ not in access.permissions:
            return None
        found = await rows.visible_ids(session, WORKFLOW_KIND, access.workspace_id, access.user_id)
        return Reach(KIND, parents=tuple(found)) if found else None

    async def visible(
        self, session: AsyncSession, access: Access, subject_ids: Sequence[UUID]
    ) -> set[UUID]:
        if Permission.WORKFLOWS_READ not in access.permissions:
            return set()
        found = await rows.by_ids(
            session, WORKFLOW_KIND, access.workspace_id, access.user_id, subject_ids
        )
        return {workflow.id for workflow in found}
