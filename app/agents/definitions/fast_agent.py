"""fast-agent's cards, read: Markdown with a YAML head, or YAML. Never code.

What a card would run (function tools, hooks, shell, commands) or connect by itself is left out,
and the warnings name it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.agents.definitions.documents import Sketch, Unreadable, read_yaml
from app.agents.definitions.wording import from_fast_agent

FAN_IN: Final = "-fan-in"
RATINGS: Final = {"EXCELLENT": 0.9, "GOOD": 0.8, "FAIR": 0.5, "POOR": 0.2}
MOST_ROUNDS: Final = 20
_HEAD: Final = re.compile(r"\A﻿?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n(.*))?\Z", re.DOTALL)
_HISTORY: Final = re.compile(r"^---(?:USER|ASSISTANT|RESOURCE)[ \t]*$", re.MULTILINE)
_CODE: Final = frozenset(
    {"function_tools", "tool_hooks", "lifecycle_hooks", "commands", "shell", "cwd", "mcp_connect"}
)
_TAKEN: Final = frozenset(
    {
        "type",
        "name",
        "instruction",
        "description",
        "schema_version",
        "model",
        "servers",
        "tools",
        "agents",
        "request_params",
        "sequence",
        "cumulative",
        "fan_out",
        "fan_in",
        "generator",
        "evaluator",
        "min_rating",
        "max_refinements",
        "plan_iterations",
        "worker",
    }
)
_PARAMETERS: Final = {
    "maxTokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "seed": "seed",
    "stopSequences": "stop",
    "stop_sequences": "stop",
}
TYPES: Final = frozenset(
    {
        "agent",
        "smart",
        "chain",
        "parallel",
        "router",
        "orchestrator",
        "iterative_planner",
        "evaluator_optimizer",
    }
)


def is_markdown(text: str) -> bool:
    return _HEAD.match(text) is not None


def card_of(text: str) -> Mapping[str, Any]:
    """The fields of a card, its Markdown as `instruction`; raises Unreadable."""
    found = _HEAD.match(text)
    head = read_yaml(found[1] if found else text)
    if not isinstance(head, Mapping):
        raise Unreadable("its head is no list of fields")
    body = (found[2] or "").strip() if found else ""
    return {**head, "instruction": body} if body else head


def sketch_of(card: Mapping[str, Any], position: int, name: str) -> Sketch:
    """An agent out of a card; raises Unreadable."""
    kind = str(card.get("type") or "agent").strip().lower()
    if kind not in TYPES:
        raise Unreadable(f"cards of the type `{kind[:40]}` are not taken")
    ref = str(card.get("name") or name)
    sketch = Sketch(ref, ref, position, {}, description=str(card.get("description") or ""))
    _instruct(sketch, card)
    _set_up(sketch, card)
    _PATTERNS[kind](sketch, card)
    for field in card:
        if field in _CODE:
            sketch.warnings.append(f"`{field}`: code and commands are never taken")
        elif field == "api_key":
            sketch.warnings.append("`api_key`: secrets belong into an integration")
        elif field not in _TAKEN:
            sketch.warnings.append(f"`{str(field)[:60]}` has no counterpart")
    return sketch


def merge_fan_ins(sketches: Sequence[Sketch]) -> list[Sketch]:
    """Have a parallel agent sum up by itself what a card of its own did (`fan_in`)."""
    by_ref = {each.ref: each for each in sketches}
    absorbed = set()
    for each in sketches:
        wanted = each.fan_in
        if wanted is None:
            continue
        found = by_ref.get(wanted)
        if found is None or "pattern" in found.definition:
            each.warnings.append(f"`fan_in`: no plain agent `{wanted}` came with it")
            continue
        each.definition["pattern"]["combine"] = "model"
        each.definition = {**found.definition, **each.definition}
        if wanted == each.ref + FAN_IN:
            absorbed.add(wanted)
    return [each for each in sketches if each.ref not in absorbed]


def _instruct(sketch: Sketch, card: Mapping[str, Any]) -> None:
    text = str(card.get("instruction") or "").removeprefix("---SYSTEM").strip()
    if cut := _HISTORY.search(text):
        text = text[: cut.start()].strip()
        sketch.warnings.append("the messages after the instructions were left out")
    template, names, left = from_fast_agent(text)
    sketch.warnings += [f"{each} was left out" for each in left]
    if template:
        sketch.definition["instructions"] = template
    if names:
        told = {name: {"type": "string", "default": ""} for name in names}
        sketch.definition["variables"] = {"type": "object", "properties": told}


def _set_up(sketch: Sketch, card: Mapping[str, Any]) -> None:
    if card.get("model"):
        sketch.definition["model"] = str(card["model"])
    if tools := _tools(card):
        sketch.definition["tools"] = tools
    parameters, limits = {}, {}
    given = card.get("request_params")
    for name, value in given.items() if isinstance(given, Mapping) else ():
        if name in _PARAMETERS:
            parameters[_PARAMETERS[name]] = value
        elif name == "max_iterations":
            limits["steps"] = value
        else:
            sketch.warnings.append(f"`request_params.{str(name)[:60]}` has no counterpart")
    if parameters:
        sketch.definition["parameters"] = parameters
    if limits:
        sketch.definition["limits"] = limits


def _tools(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those of its MCP servers, which must be connected here by the same names."""
    chosen = card.get("tools")
    named = chosen if isinstance(chosen, Mapping) else {}
    found = []
    for server in _names(card.get("servers")):
        for tool in _names(named.get(server)) or ["*"]:
            found.append({"tool": f"mcp:{server}/{tool}"})  # noqa: PERF401 - two loops deep
    return found


def _names(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _agent(sketch: Sketch, card: Mapping[str, Any]) -> None:
    if agents := _names(card.get("agents")):
        sketch.definition["agents"] = agents


def _chain(sketch: Sketch, card: Mapping[str, Any]) -> None:
    sketch.definition["pattern"] = {"type": "chain", "agents": _names(card.get("sequence"))}
    if card.get("cumulative"):
        sketch.definition["pattern"]["cumulative"] = True


def _parallel(sketch: Sketch, card: Mapping[str, Any]) -> None:
    sketch.definition["pattern"] = {"type": "parallel", "agents": _names(card.get("fan_out"))}
    if card.get("fan_in"):
        sketch.fan_in = str(card["fan_in"])


def _router(sketch: Sketch, card: Mapping[str, Any]) -> None:
    sketch.definition["pattern"] = {"type": "router", "agents": _names(card.get("agents"))}


def _orchestrator(sketch: Sketch, card: Mapping[str, Any]) -> None:
    pattern = {"type": "orchestrator", "agents": _names(card.get("agents"))}
    rounds = card.get("plan_iterations")
    if isinstance(rounds, int):
        pattern["rounds"] = rounds if 1 <= rounds <= MOST_ROUNDS else MOST_ROUNDS  # type: ignore[assignment]
    sketch.definition["pattern"] = pattern


def _evaluator_optimizer(sketch: Sketch, card: Mapping[str, Any]) -> None:
    pattern: dict[str, Any] = {
        "type": "evaluator_optimizer",
        "generator": card.get("generator"),
        "evaluator": card.get("evaluator"),
    }
    if "max_refinements" in card:
        pattern["rounds"] = card["max_refinements"]
    if "min_rating" in card:
        pattern["good_enough"] = RATINGS.get(str(card["min_rating"]).upper(), 0.8)
    sketch.definition["pattern"] = pattern


_PATTERNS: Final[Mapping[str, Callable[[Sketch, Mapping[str, Any]], None]]] = {
    "agent": _agent,
    "smart": _agent,
    "chain": _chain,
    "parallel": _parallel,
    "router": _router,
    "orchestrator": _orchestrator,
    "iterative_planner": _orchestrator,
    "evaluator_optimizer": _evaluator_optimizer,
}
