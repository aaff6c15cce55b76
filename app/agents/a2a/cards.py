"""Agent cards: of the service, open to all, and of its agents, for those who may see them."""

from collections.abc import Sequence
from typing import Any, Final

from app.agents.a2a.path import AGENTS, CARD, PREFIX
from app.agents.definitions.a2a_card import PROTOCOL, a2a_card
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.errors import AgentNotFound
from app.agents.definitions.models import Agent, AgentVersion

LONGEST_NAME: Final = 100


def service_card(base_url: str, agents: Sequence[Agent] = ()) -> dict[str, Any]:
    """The card of the service; told to someone who is known, it names the agents they see.

    Requests to its interface name an agent, by slug or id, as their `tenant`.
    """
    base = base_url.rstrip("/")
    return {
        "name": "Luminous",
        "description": (
            "The agents of a workspace. Ask for the extended card with a credential to learn "
            "which; name one as the `tenant` of a request, or use its own card at "
            f"{base}{AGENTS}<slug>{CARD}."
        ),
        "supportedInterfaces": [
            {"url": f"{base}{PREFIX}", "protocolBinding": "JSONRPC", "protocolVersion": PROTOCOL}
        ],
        "version": "1",
        "capabilities": {
            "streaming": True,
            "pushNotifications": False,
            "extendedAgentCard": True,
        },
        "securitySchemes": {
            "bearer": {
                "httpAuthSecurityScheme": {
                    "scheme": "Bearer",
                    "description": "An API key with the scopes agents:read, agents:run, "
                    "models:invoke and runs:read.",
                }
            }
        },
        "securityRequirements": [{"schemes": {"bearer": {"list": []}}}],
        "defaultInputModes": ["text/plain", "application/json"],
        "defaultOutputModes": ["text/plain", "application/json"],
        "skills": [_skill(agent) for agent in agents] or [_ANY],
    }


def agent_card(base_url: str, agent: Agent, version: AgentVersion) -> dict[str, Any]:
    """The card of one agent, at its own address."""
    url = f"{base_url.rstrip('/')}{AGENTS}{agent.slug}"
    definition = AgentDefinition.model_validate(version.definition)
    return a2a_card(agent, version.number, definition, url)


def expect_name(agent: str) -> None:
    """Raise AgentNotFound for what no agent is called."""
    if len(agent) > LONGEST_NAME or not agent.isprintable():
        raise AgentNotFound


_ANY: Final = {
    "id": "agents",
    "name": "Agents",
    "description": "Whatever the agents of your workspace do.",
    "tags": ["agent"],
}


def _skill(agent: Agent) -> dict[str, Any]:
    return {
        "id": agent.slug,
        "name": agent.name,
        "description": agent.description or agent.name,
        "tags": ["agent"],
    }
