"""The graph's routers, in the order in which a newcomer reads them."""

from typing import Final

from app.core.http.late_router import LateRouter

ROUTERS: Final = (
    LateRouter("app.knowledge.graph.schemata.router", "/v1/graph"),
    LateRouter("app.knowledge.graph.extraction.router", "/v1/graph"),
    LateRouter("app.knowledge.graph.merges.router", "/v1/graph"),
    LateRouter("app.knowledge.graph.walks.router", "/v1/graph"),
    LateRouter("app.knowledge.graph.entities.router", "/v1/graph"),
    LateRouter("app.knowledge.graph.relations.router", "/v1/graph"),
)
