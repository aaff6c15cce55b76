"""The routers of detection, its policies and its suggestions."""

from typing import Final

from app.core.http.late_router import LateRouter

ROUTERS: Final = (
    LateRouter("app.knowledge.detection.router", "/v1/dictionary"),
    LateRouter("app.knowledge.detection.suggestions.router", "/v1/dictionary"),
    LateRouter("app.knowledge.detection.policies.router", "/v1/dictionaries"),
)
