"""Triggers and definitions out of what was seen: what was the same each time is written out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from app.agents.runtime.leaks import has_known_secret
from app.automation.generation.mining import Schedule, Sequenced, common
from app.automation.generation.seen_crud import Call, Start
from app.automation.language.templates import holds_template

_NOT_ID: Final = re.compile(r"[^A-Za-z0-9_]+")
_TYPES: Final = {
    bool: "boolean", int: "integer", float: "number", str: "string", list: "array",
    dict: "object",
}  # fmt: skip


@dataclass(slots=True)
class Proposed:
    """A flow that is written node by node; `inputs` are the properties of its own inputs."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    inputs: dict[str, Any] = field(default_factory=dict)
    varying: list[str] = field(default_factory=list)

    def taken(self, node_id: str, given: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What a node is given: the same as ever, or an input of the workflow's own."""
        same, varying = written_out(given)
        for name in varying:
            self.varying.append(f"{node_id}.{name}")
            sample = next(each[name] for each in given if name in each)
            same[name] = self.asked(f"{node_id}_{name}", _TYPES.get(type(sample)))
        return same

    def asked(self, name: str, kind: str | None) -> str:
        own = _NOT_ID.sub("_", name)[:64]
        self.inputs[own] = {"type": kind} if kind else {}
        return f"{{{{ inputs.{own} }}}}"

    def document(self) -> dict[str, Any]:
        ids = [node["id"] for node in self.nodes]
        told: dict[str, Any] = {"dsl": "flow/1"}
        if self.inputs:
            told["inputs"] = {
                "type": "object",
                "properties": self.inputs,
                "required": list(self.inputs),
            }
        edges = [{"from": a, "to": b} for a, b in pairwise(ids)]
        return {**told, "nodes": self.nodes, "edges": edges}


def written_out(given: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """What can stand in a definition, and the names of what cannot: it varies, or is a secret."""
    same, varying = common(given)
    unfit = [
        name
        for name, value in same.items()
        if holds_template(value) or has_known_secret({name: value, "": f"{name}={value}"})
    ]
    return {name: value for name, value in same.items() if name not in unfit}, [*varying, *unfit]


def trigger_of(seen: Schedule, time_zone: str) -> tuple[dict[str, Any], list[str]]:
    """The body of a trigger that is not enabled, and the names of inputs that it leaves out."""
    inputs, varying = written_out([start.inputs for start in seen.starts])
    slug = seen.starts[0].slug
    body: dict[str, Any] = {
        "name": f"{slug} {seen.said}"[:200],
        "workflow": slug,
        "on": {"kind": "cron", "expression": seen.expression, "time_zone": time_zone},
        "enabled": False,
    }
    return (body | {"inputs": inputs} if inputs else body), varying


def chain_of(seen: Sequenced[Start]) -> Proposed:
    """A workflow that begins one after the other."""
    proposed = Proposed()
    for place, first in enumerate(seen.seen[0]):
        node_id = _id(proposed, first.slug)
        node: dict[str, Any]
        if first.kind == "agent":
            said = proposed.asked(f"{node_id}_input", "string")
            proposed.varying.append(f"{node_id}.input")
            node = {"id": node_id, "type": "agent", "with": {"agent": first.slug, "input": said}}
        else:
            inputs = proposed.taken(node_id, [each[place].inputs for each in seen.seen])
            settings = {"workflow": first.slug, "inputs": inputs}
            node = {"id": node_id, "type": "subworkflow", "with": settings}
        proposed.nodes.append(node)
    return proposed


def tools_of(seen: Sequenced[Call], references: Mapping[str, str]) -> Proposed:
    """A workflow that calls the same tools; `references` are those by the names of calls."""
    proposed = Proposed()
    for place, first in enumerate(seen.seen[0]):
        node_id = _id(proposed, first.name)
        arguments = proposed.taken(node_id, [each[place].arguments for each in seen.seen])
        settings = {"tool": references[first.name], "arguments": arguments}
        proposed.nodes.append({"id": node_id, "type": "tool", "with": settings})
    return proposed


def _id(proposed: Proposed, name: str) -> str:
    plain = _NOT_ID.sub("_", name)[:48]
    plain = plain if plain[:1].isalpha() else f"n_{plain}"
    taken = {node["id"] for node in proposed.nodes}
    return plain if plain not in taken else f"{plain}_{len(taken)}"
