"""The routers of what goes out of dictionaries and comes into them."""

from typing import Final

from app.core.http.late_router import LateRouter

ROUTERS: Final = (
    LateRouter("app.knowledge.exchange.router", "/v1/dictionaries", "/v1/dictionary"),
    LateRouter("app.knowledge.exchange.packs.router", "/v1/dictionaries"),
    LateRouter("app.knowledge.exchange.sync.router", "/v1/dictionaries", "/v1/dictionary"),
)
