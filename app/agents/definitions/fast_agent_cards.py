"""fast-agent's cards, written; what a card has no field for stands in it as a comment."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from app.agents.definitions.definition import (
    AgentDefinition,
    Chain,
    EvaluatorOptimizer,
    Orchestrator,
    Parallel,
    Router,
)
from app.agents.definitions.documents import write_yaml
from app.agents.definitions.errors import ExportUnfit
from app.agents.definitions.fast_agent import FAN_IN, RATINGS
from app.agents.definitions.wording import to_fast_agent

# What is the same in a card, or told by its own fields; the rest of a definition is left out.
_HELD: Final = frozenset(
    {"instructions", "variables", "model", "parameters", "tools", "agents", "pattern"}
)
_PARAMETERS: Final = {
    "max_output_tokens": "maxTokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "seed": "seed",
    "stop": "stopSequences",
}


def cards_of(slug: str, description: str, definition: AgentDefinition) -> dict[str, str]:
    """The cards of an agent by their file names, its own first; raises ExportUnfit."""
    head: dict[str, Any] = {"type": "agent", "name": slug}
    if description:
        head["description"] = description
    left = sorted(_given(definition) - _HELD)
    pattern = definition.pattern
    if pattern is None:
        _fill(head, definition, left)
        if definition.agents:
            head["agents"] = list(definition.agents)
        return {f"{slug}.md": _card(head, definition.instructions, left)}
    write = _PATTERNS.get(type(pattern))
    if write is None:
        raise ExportUnfit(f"fast-agent has no agents of the type `{pattern.type}`.")
    head |= {"type": pattern.type, **write(pattern)}
    if isinstance(pattern, Parallel) and pattern.combine == "model":
        return _with_fan_in(slug, head, definition, left)
    if isinstance(pattern, Router | Orchestrator):
        _fill(head, definition, left)
    else:
        left += sorted(_given(definition) & {"model", "parameters", "tools", "agents"})
    return {f"{slug}.md": _card(head, definition.instructions, left)}


def _with_fan_in(
    slug: str, head: dict[str, Any], definition: AgentDefinition, left: list[str]
) -> dict[str, str]:
    """Where this agent sums up, fast-agent wants another one for it."""
    of_fan_in: dict[str, Any] = {"type": "agent", "name": slug + FAN_IN}
    _fill(of_fan_in, definition, left)
    head["fan_in"] = slug + FAN_IN
    return {
        f"{slug}.md": _card(head, "", left),
        f"{slug}{FAN_IN}.md": _card(of_fan_in, definition.instructions, []),
    }


def _given(definition: AgentDefinition) -> set[str]:
    return set(definition.model_dump(exclude_defaults=True))


def _fill(head: dict[str, Any], definition: AgentDefinition, left: list[str]) -> None:
    """Model, MCP servers and parameters; what a card cannot say is added to `left`."""
    if definition.model:
        head["model"] = definition.model.replace("/", ".", 1)
    servers: dict[str, list[str]] = {}
    for use in definition.tools:
        server, _, tool = use.tool.removeprefix("mcp:").partition("/")
        if use.tool.startswith("mcp:") and tool:
            servers.setdefault(server, []).append(tool)
        else:
            left.append(f"the tool {use.tool}")
    if servers:
        head["servers"] = list(servers)
    chosen = {server: tools for server, tools in servers.items() if "*" not in tools}
    if chosen:
        head["tools"] = chosen
    given = definition.parameters.model_dump(exclude_none=True)
    parameters = {_PARAMETERS[n]: value for n, value in given.items() if n in _PARAMETERS}
    if "steps" in definition.limits.model_dump(exclude_defaults=True):
        parameters["max_iterations"] = definition.limits.steps
    if parameters:
        head["request_params"] = parameters


def _card(head: dict[str, Any], instructions: str, left: list[str]) -> str:
    body, has_more = to_fast_agent(instructions)
    if has_more:
        left = [*left, "statements of the template, which stand here as they are"]
    comments = "".join(f"# Left out: {each}\n" for each in left)
    return f"---\n{comments}{write_yaml(head)}---\n\n{body}".rstrip() + "\n"


def _chain(pattern: Any) -> dict[str, Any]:
    return {
        "sequence": list(pattern.agents),
        **({"cumulative": True} if pattern.cumulative else {}),
    }


def _parallel(pattern: Any) -> dict[str, Any]:
    return {"fan_out": list(pattern.agents)}


def _router(pattern: Any) -> dict[str, Any]:
    return {"agents": list(pattern.agents)}


def _orchestrator(pattern: Any) -> dict[str, Any]:
    return {"agents": list(pattern.agents), "plan_iterations": pattern.rounds}


def _evaluator_optimizer(pattern: Any) -> dict[str, Any]:
    rating = min(RATINGS, key=lambda name: abs(RATINGS[name] - pattern.good_enough))
    return {
        "generator": pattern.generator,
        "evaluator": pattern.evaluator,
        "min_rating": rating,
        "max_refinements": pattern.rounds,
    }


_PATTERNS: Final[Mapping[type, Callable[[Any], dict[str, Any]]]] = {
    Chain: _chain,
    Parallel: _parallel,
    Router: _router,
    Orchestrator: _orchestrator,
    EvaluatorOptimizer: _evaluator_optimizer,
}
