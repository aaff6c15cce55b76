"""/v1/agents/{agent_id}/shares."""

from app.agents.definitions import service
from app.agents.definitions.errors import AgentNotFound, AgentNotYours
from app.core.auth import Permission
from app.identity.sharing.routing import Kind, shares_router

router = shares_router(
    Kind(
        "/v1/agents",
        "agent",
        Permission.AGENTS_READ,
        service.shareable,
        (AgentNotFound, AgentNotYours),
    )
)
