"""What differs between two versions of a workflow."""

from uuid import UUID

from app.automation.language.diff import difference
from app.automation.workflows import service
from app.automation.workflows.models import WORKFLOW_KIND
from app.automation.workflows.version_schemas import WorkflowDiff, WorkflowDiffQuery
from app.automation.workflows.versions import flow_of
from app.core.auth import Access
from app.core.db import AsyncSession
from app.identity.versioned import versions


async def compare(
    session: AsyncSession, access: Access, workflow_id: UUID, query: WorkflowDiffQuery
) -> WorkflowDiff:
    """Raises WorkflowNotFound and WorkflowVersionNotFound."""
    workflow = await service.get(session, access, workflow_id)
    old, new = await versions.two(session, WORKFLOW_KIND, workflow, query.old, query.new)
    scopes = difference(flow_of(old), flow_of(new))
    return WorkflowDiff.model_validate(
        {"old_version": old.number, "new_version": new.number, "scopes": scopes}
    )
