"""A2A 1.0 agent cards: an agent as other systems see it, and theirs as a sketch of one here."""

from collections.abc import Mapping
from typing import Any, Final

from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.documents import Sketch, Unreadable
from app.agents.definitions.models import Agent
from app.agents.definitions.wording import literal

PROTOCOL: Final = "1.0"
MOST_SKILLS: Final = 100


def a2a_card(agent: Agent, number: int, definition: AgentDefinition, url: str) -> dict[str, Any]:
    """The card (as JSON) of an agent that answers JSON-RPC at `url`, in one version."""
    modes = ["text/plain", "application/json"]
    modes += ["image/png", "image/jpeg"] * ("image" in definition.inputs)
    modes += ["application/pdf"] * ("file" in definition.inputs)
    described = agent.description or agent.name
    answers = ["text/plain"] + ["application/json"] * (definition.output_schema is not None)
    return {
        "name": agent.name,
        "description": described,
        "supportedInterfaces": [
            {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": PROTOCOL}
        ],
        "version": str(number),
        "capabilities": {"streaming": True, "pushNotifications": False},
        "securitySchemes": {
            "bearer": {
                "httpAuthSecurityScheme": {
                    "scheme": "Bearer",
                    "description": "An API key, or an access token.",
                }
            }
        },
        "securityRequirements": [{"schemes": {"bearer": {"list": []}}}],
        "defaultInputModes": modes,
        "defaultOutputModes": answers,
        "skills": [
            {
                "id": agent.slug,
                "name": agent.name,
                "description": described,
                "tags": [definition.pattern.type if definition.pattern else "agent"],
            }
        ],
    }


def is_card(value: Any) -> bool:
    """Whether JSON looks like a card, of this version of A2A or the one before it."""
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("skills"), list)
        and ("supportedInterfaces" in value or "url" in value or "capabilities" in value)
    )


def sketch_of(value: Any, position: int, name: str) -> Sketch:
    """An agent that is told what another one says of itself; raises Unreadable."""
    if not is_card(value):
        raise Unreadable("it is no agent card")
    shown = str(value.get("name") or name)[:200]
    described = str(value.get("description") or "")[:2000]
    lines = [f"You are {shown}. {described}".strip()]
    skills = [each for each in value["skills"][:MOST_SKILLS] if isinstance(each, Mapping)]
    if skills:
        lines.append("What you do:")
        lines += [f"- {each.get('name', '')}: {each.get('description', '')}" for each in skills]
    sketch = Sketch(shown, shown, position, {}, description=described)
    sketch.definition["instructions"] = literal("\n".join(lines))
    told = value.get("defaultInputModes")
    modes = [str(mode) for mode in told] if isinstance(told, list) else []
    inputs = ["image"] * any(mode.startswith("image/") for mode in modes)
    inputs += ["file"] * ("application/pdf" in modes)
    if inputs:
        sketch.definition["inputs"] = inputs
    sketch.warnings.append(
        "name, description and skills were taken; the agent behind the card is not called"
    )
    return sketch
