"""The list of workflows in Postgres."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.workflows.models import WORKFLOW_KIND, Workflow
from app.automation.workflows.schemas import WorkflowQuery
from app.core import restorable
from app.core.paging import Cursors, Slice
from app.identity.versioned.seeing import visible


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    query: WorkflowQuery,
    cursors: Cursors,
) -> Slice[Workflow]:
    """Newest first."""
    wanted = [visible(WORKFLOW_KIND, workspace_id, user_id)]
    if query.mine:
        wanted.append(Workflow.owner_id == user_id)
    if query.visibility is not None:
        wanted.append(Workflow.visibility == query.visibility)
    if query.enabled is not None:
        wanted.append(Workflow.enabled == query.enabled)
    if query.q is not None:
        wanted.append(Workflow.name.icontains(query.q, autoescape=True))
    if query.tag is not None:
        wanted.append(Workflow.tags.contains([query.tag]))
    return await restorable.page(session, Workflow, workspace_id, query, cursors, *wanted)
