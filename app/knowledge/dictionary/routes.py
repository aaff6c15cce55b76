"""The routers of dictionaries and their entries."""

from typing import Final

from app.core.http.late_router import LateRouter

ROUTERS: Final = (
    LateRouter("app.knowledge.dictionary.dictionaries.router", "/v1/dictionaries"),
    LateRouter("app.knowledge.dictionary.entries.router", "/v1/dictionary"),
    LateRouter("app.knowledge.dictionary.entries.history_router", "/v1/dictionary"),
)
