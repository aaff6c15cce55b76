"""The form of a definition; and what of it can be checked further where the form is broken."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import islice
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from app.automation.language.checks.words import of_field, of_form
from app.automation.language.flow import Flow
from app.automation.language.templates import escaped
from app.automation.language.types import KnownTypes
from app.core.errors import FieldError
from app.core.schema import sentence

MOST_FOUND: Final = 200
_REPAIRS: Final = 3
Place = tuple[str | int, ...]


def read(
    document: Any, at: str, types: KnownTypes | None = None
) -> tuple[Flow | None, list[FieldError], list[str]]:
    """The definition, what is wrong with its form, and the pointers of what was left out.

    Fields that are wrong are left out, so that the rest is checked too: a flow beside mistakes is
    not what was written. Without a flow there was nothing to save.
    """
    mistakes: list[FieldError] = []
    left_out: list[str] = []
    for _ in range(_REPAIRS):
        try:
            return Flow.model_validate(document), mistakes, left_out
        except ValidationError as error:
            found = list(islice(form_mistakes(error, document, at, Flow, types), MOST_FOUND))
            if len(found) == MOST_FOUND:
                return None, [each for _, each in found], left_out
            mistakes += [each for place, each in found if not _is_known(each, left_out)]
            document = deepcopy(document)
            gone = [place for place, _ in found if _leave_out(document, place)]
            left_out += [pointer(at, place) for place in gone]
            if not gone:
                break
    return None, mistakes, left_out


def form_mistakes(
    error: ValidationError,
    value: Any,
    at: str,
    model: type[BaseModel],
    types: KnownTypes | None = None,
) -> Iterator[tuple[Place, FieldError]]:
    """Pydantic's own; the branches of unions that it names on its way are no places."""
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        place = _place(each["loc"], value, absent=each["type"] == "missing")
        code = each["type"].replace(".", "_")
        said = of_form(code, sentence(each["msg"]), place, model)
        if code == "extra_forbidden" and types is not None:
            said = of_field(value_at(value, place[:-1]), str(place[-1]), types) or said
        yield place, FieldError(pointer(at, place), code, said)


def value_at(value: Any, place: Place) -> Any:
    """None for what is not there."""
    for step in place:
        if not _has(value, step):
            return None
        value = value[step]
    return value


def pointer(at: str, place: Place) -> str:
    return "/".join([at, *(escaped(str(step)) for step in place)])


def _place(location: Sequence[str | int], value: Any, *, absent: bool) -> Place:
    steps: list[str | int] = []
    for number, step in enumerate(location):
        if _has(value, step):
            value = value[step]
        elif not (absent and number == len(location) - 1):
            continue
        steps.append(step)
    return tuple(steps)


def _has(node: Any, step: str | int) -> bool:
    if isinstance(node, Mapping):
        return step in node
    return isinstance(node, list) and isinstance(step, int) and step < len(node)


def _is_known(mistake: FieldError, left_out: list[str]) -> bool:
    return any(mistake.pointer.startswith(each) for each in left_out)


def _leave_out(document: Any, place: Place) -> bool:
    """Take away the innermost field on the way to a mistake; False where there is none to take."""
    for end in range(len(place), 0, -1):
        owner = value_at(document, place[: end - 1])
        if isinstance(owner, dict) and place[end - 1] in owner:
            if place[end - 1] in ("nodes", "edges"):
                return False
            del owner[place[end - 1]]
            return True
    return False
