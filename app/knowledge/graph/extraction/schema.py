"""What a model is to look for: kinds of entities and of relations, and nothing else."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

# Counted up where a model is asked in other words than before.
VERSION: Final = "model-1"
ENTITY_TYPES: Final = (
    ("person", "A named human being."),
    ("organization", "A company, authority, institution or team."),
    ("location", "A place: a city, country, building or region."),
    ("product", "Something made or offered: goods, software, a service, a model."),
    ("event", "Something that happens at a time: a meeting, an accident, a release."),
    ("concept", "A technical or scientific idea, method or field."),
)
RELATION_TYPES: Final = (
    ("works_for", "A person works for an organization."),
    ("part_of", "One is a part or a member of the other."),
    ("located_in", "One is at or in the other."),
    ("produces", "One makes or offers the other."),
    ("uses", "One uses the other or depends on it."),
    ("causes", "One brings the other about."),
    ("associated_with", "Connected in a way that no other kind says."),
)


@dataclass(frozen=True, slots=True)
class Kinds:
    """The types of a schema, each with what it means."""

    entities: Mapping[str, str]
    relations: Mapping[str, str]
    instructions: str = ""

    @property
    def fingerprint(self) -> str:
        told = [VERSION, dict(self.entities), dict(self.relations), self.instructions]
        return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]

    def json_schema(self) -> dict[str, Any]:
        """What the model's answer must satisfy, in the words that strict providers take."""
        entity = _object(
            name={"type": "string"},
            type={"type": "string", "enum": list(self.entities)},
            description={"type": "string"},
        )
        relation = _object(
            source={"type": "string"},
            target={"type": "string"},
            type={"type": "string", "enum": list(self.relations)},
            description={"type": "string"},
            evidence={"type": "string"},
        )
        passage = _object(
            number={"type": "integer"},
            entities={"type": "array", "items": entity},
            relations={"type": "array", "items": relation},
        )
        return _object(passages={"type": "array", "items": passage})


def kinds_of(
    entity_types: Sequence[Mapping[str, str]] = (),
    relation_types: Sequence[Mapping[str, str]] = (),
    instructions: str = "",
) -> Kinds:
    """The kinds that are given; where none are, the usual ones."""
    entities = {each["name"]: each.get("description", "") for each in entity_types}
    relations = {each["name"]: each.get("description", "") for each in relation_types}
    return Kinds(entities or dict(ENTITY_TYPES), relations or dict(RELATION_TYPES), instructions)


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
