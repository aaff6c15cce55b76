"""New workflows out of old ones."""

from uuid import UUID

from app.automation.workflows import service
from app.automation.workflows.schemas import WorkflowCreate, WorkflowDuplicate
from app.automation.workflows.service import Seen
from app.automation.workflows.versions import flow_of
from app.core.auth import Access
from app.core.db import AsyncSession
from app.identity.versioned.schemas import VersionChoice


async def duplicate(
    session: AsyncSession, access: Access, workflow_id: UUID, change: WorkflowDuplicate
) -> Seen:
    """A new workflow of the caller's with one version of this one's definition.

    Raises WorkflowNotFound, WorkflowVersionNotFound, TooManyWorkflows and WorkflowSlugTaken.
    """
    seen = await service.see(session, access, workflow_id, VersionChoice(version=change.version))
    of = seen.workflow
    new = WorkflowCreate(
        name=change.name or f"{of.name[:190]} copy",
        slug=change.slug,
        description=of.description,
        visibility=change.visibility or ("private" if of.visibility == "private" else "workspace"),
        enabled=of.enabled,
        tags=of.tags,
        definition=seen.version.definition,
        note=f"Copied from version {seen.version.number} of `{of.slug}`.",
        metadata=of.notes,
    )
    return await service.create(session, access, new, flow_of(seen.version))
