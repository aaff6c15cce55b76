"""What two instances compare of an entry: flat fields, in a form that both make the same."""

from collections.abc import Mapping
from typing import Any, Final

from app.knowledge.exchange.concept import Concept, Misshapen, from_wire, to_wire

State = dict[str, Any]

_BY_LANGUAGE: Final = ("terms", "definitions", "examples")
_PLAIN: Final = ("external_id", "status", "subject_fields", "notes", "sources", "replaced_by")
_RELATIONS: Final = "relations"
_METADATA: Final = "metadata"


def state_of(concept: Concept) -> State:
    """Its fields; terms, definitions and examples by language, labels one by one.

    What is empty is left out. Of relations, and of what stands in different languages, the order
    does not count.
    """
    wire = to_wire(concept)
    found: State = {name: wire[name] for name in _PLAIN if wire[name]}
    if wire[_RELATIONS]:
        found[_RELATIONS] = sorted(wire[_RELATIONS], key=_relation_key)
    for name in _BY_LANGUAGE:
        for item in wire[name]:
            found.setdefault(f"{name}/{item['language']}", []).append(item)
    # In a list of its own, so that a label that is null is not one that is missing.
    return found | {f"{_METADATA}/{name}": [value] for name, value in wire[_METADATA].items()}


def concept_of(identity: str, state: Mapping[str, Any]) -> Concept:
    """The concept that has this state; raises Misshapen."""
    wire: dict[str, Any] = {"id": identity}
    for field in sorted(state):
        name, _, part = field.partition("/")
        if name not in (*_BY_LANGUAGE, _METADATA):
            wire[name] = state[field]
            continue
        if not isinstance(state[field], list) or not state[field]:
            raise Misshapen(f"{field}: must be a list")
        if name == _METADATA:
            wire.setdefault(_METADATA, {})[part] = state[field][0]
        else:
            wire.setdefault(name, []).extend(state[field])
    return from_wire(wire)


def _relation_key(relation: Mapping[str, Any]) -> tuple[str, str, str]:
    return (relation["kind"], relation["target"] or "", relation["uri"] or "")
