"""/v1/templates/{template_id}/shares."""

from app.agents.templates import service
from app.agents.templates.errors import TemplateNotFound, TemplateNotYours
from app.core.auth import Permission
from app.identity.sharing.routing import Kind, shares_router

router = shares_router(
    Kind(
        "/v1/templates",
        "template",
        Permission.TEMPLATES_READ,
        service.shareable,
        (TemplateNotFound, TemplateNotYours),
    )
)
