"""The routers of templates, in the order in which a newcomer reads them."""

from typing import Final

from app.core.http.late_router import LateRouter

# A template's id would take `packs`.
ROUTERS: Final = (
    LateRouter("app.agents.templates.making_router", "/v1/templates"),
    LateRouter("app.agents.templates.router", "/v1/templates"),
    LateRouter("app.agents.templates.versions_router", "/v1/templates"),
    LateRouter("app.agents.templates.use_router", "/v1/templates"),
    LateRouter("app.agents.templates.shares", "/v1/templates"),
)
