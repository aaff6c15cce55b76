"""What a tool gave, as it is journalled: bounded, and with whose words they are."""

from typing import Any

import orjson

from app.agents.tools.guarding import bounded
from app.agents.tools.tool import Outcome, ToolFault, ToolTraits


def origin_of(traits: ToolTraits) -> str | None:
    """Whose words a tool's answer is, for what a run may do with them; None: of our own agents."""
    match traits.effects:
        case "external":
            return "others" if traits.echoes else "outside"
        case "read":
            return "echo" if traits.echoes else "workspace"
        case "write":
            return "echo"
    return None


def kept_of(outcome: Outcome, most: int) -> dict[str, Any]:
    """An outcome as it is journalled, within its bound; what was cut off is said."""
    within = bounded(outcome, most)
    kept: dict[str, Any] = {"text": within.text}
    if within.data is not None:
        kept["data"] = within.data
    if outcome.sources:
        kept["sources"] = orjson.loads(orjson.dumps(outcome.sources, default=str))
    return kept


def failed(fault: ToolFault) -> tuple[dict[str, Any], bool]:
    return {"text": f"{fault.code}: {fault.message}", "code": fault.code}, True
