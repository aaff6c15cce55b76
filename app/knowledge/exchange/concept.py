"""A concept as it travels: outside of any database, with nothing left out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeVar, get_args

from app.knowledge.dictionary.draft import Definition, EntryStatus, Example, Source

__all__ = [
    "STATUSES", "UNDETERMINED", "Concept", "Definition", "Example", "Head", "Misshapen",
    "Relation", "Source", "Term", "from_wire", "plain", "read_field", "to_wire",
]  # fmt: skip

# What BCP 47 calls a language that nobody has named.
UNDETERMINED: Final = "und"
STATUSES: Final[tuple[EntryStatus, ...]] = get_args(EntryStatus)

T = TypeVar("T")


class Misshapen(Exception):
    """Why something is no concept; the message goes on after the place: `terms.0: has no text`."""


@dataclass(frozen=True, slots=True)
class Term:
    language: str
    text: str
    status: str = "admitted"
    part_of_speech: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """To another concept by its `id`, or (`same_as` alone) to something elsewhere by its `uri`."""

    kind: str
    target: str | None = None
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class Concept:
    """`id` is what the concepts of one file call each other by; `external_id` is the user's own.

    `status` is None where a file does not say.
    """

    id: str
    external_id: str | None = None
    status: str | None = None
    subject_fields: tuple[str, ...] = ()
    definitions: tuple[Definition, ...] = ()
    examples: tuple[Example, ...] = ()
    notes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    terms: tuple[Term, ...] = ()
    relations: tuple[Relation, ...] = ()
    replaced_by: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """What a file says of the dictionary as a whole."""

    name: str = ""
    description: str = ""
    languages: tuple[str, ...] = ()


def to_wire(concept: Concept) -> dict[str, Any]:
    """As JSON, every field there."""
    return {each.name: plain(getattr(concept, each.name)) for each in fields(concept)}


def plain(value: Any) -> Any:
    """A field's value as JSON has it."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    if value is None or isinstance(value, str):
        return value
    return {each.name: getattr(value, each.name) for each in fields(value)}


def from_wire(given: Any) -> Concept:
    """The concept of a JSON object; what it leaves out is empty. Raises Misshapen."""
    if not isinstance(given, dict):
        raise Misshapen("is no JSON object")
    known = {each.name for each in fields(Concept)}
    if unknown := sorted(set(given) - known):
        raise Misshapen(f"has unknown fields: {', '.join(unknown)[:200]}")
    if not isinstance(given.get("id"), str) or not given["id"]:
        raise Misshapen("id: must be a text")
    return Concept(**{name: read_field(name, value) for name, value in given.items()})


def read_field(name: str, value: Any) -> Any:
    """A field of a concept out of its JSON; raises Misshapen."""
    if name in LISTS:
        if not isinstance(value, list):
            raise Misshapen(f"{name}: must be a list")
        read = LISTS[name]
        return tuple(_at(f"{name}.{place}", item, read) for place, item in enumerate(value))
    if name == "metadata":
        if not isinstance(value, dict):
            raise Misshapen("metadata: must be an object")
        return value
    return _at(name, value, _optional)


def _at(place: str, value: Any, read: Callable[[Any], T]) -> T:
    try:
        return read(value)
    except Misshapen as error:
        raise Misshapen(f"{place}: {error}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Misshapen("must be a text")
    return value


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)


def _record(kind: Callable[..., T], required: tuple[str, ...], *rest: str) -> Callable[[Any], T]:
    def read(value: Any) -> T:
        if not isinstance(value, dict):
            raise Misshapen("must be an object")
        if unknown := sorted(set(value) - {*required, *rest}):
            raise Misshapen(f"has unknown fields: {', '.join(unknown)[:200]}")
        texts = {name: _at(name, value.get(name), _text) for name in required}
        others = {name: _at(name, value[name], _optional) for name in rest if name in value}
        return kind(**texts, **others)

    return read


LISTS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "subject_fields": _text,
    "definitions": _record(Definition, ("language", "text"), "source"),
    "examples": _record(Example, ("language", "text")),
    "notes": _text,
    "sources": _record(Source, ("title",), "url"),
    "terms": _record(Term, ("language", "text", "status"), "part_of_speech", "note"),
    "relations": _record(Relation, ("kind",), "target", "uri"),
}
