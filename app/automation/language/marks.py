"""Which strings of a node type's settings are templates, and of which kind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, get_args

from pydantic import BaseModel

CEL: Final = "cel"
JINJA: Final = "jinja"
NONE: Final = "none"
URL: Final = "url"


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands there.

    `kind`: `cel` (a bare expression that the node evaluates), `jinja`, `none` (as it stands), `url`
    (with `{{ CEL }}`, whose values are percent-encoded among other text).

    `names` is what the expression sees beside what the node sees; `alone`: only those.
    """

    kind: str
    names: frozenset[str] = frozenset()
    alone: bool = False


Marks = Mapping[str, "Mark | Marks"]
"""By the fields' names in the document; what holds for the fields of settings within settings is
below them. A field that is not there holds templates with `{{ CEL }}`."""


def marked(kind: str, *names: str, alone: bool = False) -> dict[str, Any]:
    """The `json_schema_extra` of such a field."""
    told: dict[str, Any] = {"x-template": kind}
    if names:
        told |= {"x-names": list(names), "x-alone": alone}
    return told


def marked_below(**kinds: str) -> dict[str, Any]:
    """That of a field which is an object of no model: the kinds of what may stand in it."""
    return {"x-templates": kinds}


@cache
def marks_of(model: type[BaseModel]) -> Marks:
    """By `json_schema_extra={"x-template": …}` of the model's fields, and of models in them."""
    found: dict[str, Mark | Marks] = {}
    for name, field in model.model_fields.items():
        inner: dict[str, Mark | Marks] = {}
        for below in models_in(field.annotation):
            inner.update(marks_of(below))
        if isinstance(field.json_schema_extra, dict):
            told: Any = field.json_schema_extra.get("x-templates", {})
            inner.update({each: Mark(kind) for each, kind in told.items()})
        mark = _mark(field.json_schema_extra)
        if mark is not None or inner:
            found[field.alias or name] = mark or inner
    return found


def _mark(extra: Any) -> Mark | None:
    if not isinstance(extra, dict) or "x-template" not in extra:
        return None
    return Mark(
        extra["x-template"], frozenset(extra.get("x-names", ())), extra.get("x-alone", False)
    )


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field's type names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for part in get_args(annotation):
        yield from models_in(part)
