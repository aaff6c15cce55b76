"""/v1/workflows/{workflow_id}/shares."""

from app.automation.workflows import service
from app.automation.workflows.errors import WorkflowNotFound, WorkflowNotYours
from app.core.auth import Permission
from app.identity.sharing.routing import Kind, shares_router

router = shares_router(
    Kind(
        "/v1/workflows",
        "workflow",
        Permission.WORKFLOWS_READ,
        service.shareable,
        (WorkflowNotFound, WorkflowNotYours),
    )
)
