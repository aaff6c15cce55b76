"""The routes of triggers, in the order in which a newcomer reads them."""

from typing import Final

from app.core.http.late_router import LateRouter

ROUTERS: Final = (
    LateRouter("app.automation.triggers.router", "/v1/workflow-triggers"),
    LateRouter("app.automation.triggers.hooks_router:own_forms", "/v1/workflow-triggers"),
    LateRouter("app.automation.triggers.hooks_router:forms", "/v1/workflow-forms"),
    LateRouter("app.automation.triggers.hooks_router:hooks", "/hooks"),
)
