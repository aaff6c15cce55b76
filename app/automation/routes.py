"""The routers of this room, in the order in which a newcomer reads them."""

from typing import Final

from app.automation.triggers.routes import ROUTERS as TRIGGERS
from app.core.http.late_router import LateRouter

ROUTERS: Final = (
    LateRouter("app.automation.workflows.node_types_router:schema_router", "/v1/workflows"),
    LateRouter("app.automation.workflows.exchange_router", "/v1/workflows"),
    LateRouter("app.automation.generation.router", "/v1/workflows"),
    LateRouter("app.automation.workflows.router", "/v1/workflows"),
    LateRouter("app.automation.workflows.versions_router", "/v1/workflows"),
    LateRouter("app.automation.workflows.shares", "/v1/workflows"),
    LateRouter(
        "app.automation.workflows.node_types_router:types_router", "/v1/workflow-node-types"
    ),
    LateRouter("app.automation.runs.router:starting_router", "/v1/workflows"),
    LateRouter("app.automation.runs.analysis_router:statistics_router", "/v1/workflows"),
    LateRouter("app.automation.runs.router", "/v1/workflow-runs"),
    LateRouter("app.automation.runs.analysis_router", "/v1/workflow-runs"),
    LateRouter("app.automation.runs.control_router", "/v1/workflow-runs"),
    LateRouter("app.automation.runs.analysis_router:explaining_router", "/v1/runs"),
    LateRouter("app.automation.tasks.router", "/v1/tasks"),
    *TRIGGERS,
)
