"""Versions of definitions: made of every change, kept as they were written."""

from typing import Any

from app.automation.language.flow import Flow
from app.automation.workflows.models import WORKFLOW_KIND, Workflow, WorkflowVersion
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.identity.versioned import versions


def written(flow: Flow) -> dict[str, Any]:
    """A definition as JSON, without what its author left out."""
    return flow.model_dump(mode="json", by_alias=True, exclude_unset=True)


def digest_of(flow: Flow) -> str:
    """The same for two definitions that differ in no more than defaults that one writes out."""
    return versions.digest_of(flow.model_dump(mode="json", by_alias=True, exclude_defaults=True))


def flow_of(version: WorkflowVersion) -> Flow:
    return Flow.model_validate(version.definition)


def made(access: Access, workflow: Workflow, flow: Flow, note: str = "") -> WorkflowVersion:
    """The workflow's next version, which is then its draft; not stored yet."""
    workflow.current_version += 1
    return WorkflowVersion(
        id=new_id(),
        workspace_id=workflow.workspace_id,
        workflow_id=workflow.id,
        number=workflow.current_version,
        created_by_id=access.user_id,
        api_key_id=access.api_key_id,
        note=note,
        digest=digest_of(flow),
        definition=written(flow),
    )


async def next_of(
    session: AsyncSession, access: Access, workflow: Workflow, flow: Flow, note: str
) -> WorkflowVersion | None:
    """A new version, or None where the newest one says the same.

    Raises TooManyWorkflowVersions.
    """
    newest = await versions.get(session, WORKFLOW_KIND, workflow, workflow.current_version)
    if newest.digest == digest_of(flow):
        return None
    versions.expect_room(WORKFLOW_KIND, workflow)
    return made(access, workflow, flow, note)
