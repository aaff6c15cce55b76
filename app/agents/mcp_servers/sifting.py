"""Tools that cannot be read, taken out of a listing: the SDK would refuse the whole of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

UNNAMED: Final = "?"


@dataclass(slots=True)
class Sieve:
    """Sifts the listings of one session, by the `version` of the protocol that it agreed upon.

    `left_out` are the tools' names, each with the place where it is not as the protocol has it.
    """

    version: str | None = None
    left_out: dict[str, str] = field(default_factory=dict)

    def told(self) -> str | None:
        """What is left out, in a sentence."""
        faults = [f"{name} ({place})" for name, place in self.left_out.items()]
        said = "tools are left out that are not as the protocol has them"
        return f"{said}: {', '.join(faults)}" if faults else None

    def sift(self, item: Any) -> None:
        """Take them out of a message of the server's, where it is a listing."""
        result = getattr(getattr(item, "message", None), "result", None)
        if self.version is None or not isinstance(result, dict):
            return
        tools = result.get("tools")
        if not isinstance(tools, list):
            return
        faults = _faults(self.version, result)
        for number, place in faults.items():
            self.left_out.setdefault(_name(tools[number]), place)
        if faults:
            kept = [tool for number, tool in enumerate(tools) if number not in faults]
            result["tools"] = kept


def _faults(version: str, result: Mapping[str, Any]) -> dict[int, str]:
    """Where each tool that cannot be read is wrong, by its number in the listing."""
    from mcp_types.methods import validate_server_result  # noqa: PLC0415 - loaded where needed
    from pydantic import ValidationError  # noqa: PLC0415 - beside it

    try:
        validate_server_result("tools/list", version, result)
    except ValidationError as error:
        faults: dict[int, str] = {}
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            match each["loc"]:
                case ("tools", int(number), *place):
                    faults.setdefault(number, ".".join(map(str, place)))
        return faults
    return {}


def _name(tool: Any) -> str:
    name = tool.get("name") if isinstance(tool, dict) else None
    return name if isinstance(name, str) and name else UNNAMED
