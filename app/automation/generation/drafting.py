"""A model's answer as a definition with what it says of it, or what is wrong with it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.agents.templates.generation.drafting import DraftInvalid, bare_json
from app.automation.generation.asking import LONGEST
from app.automation.generation.guarding import AT, Rules, guarded
from app.automation.generation.surroundings import Workbench
from app.automation.language.flow import Flow
from app.automation.workflows.checking import look_over
from app.core.auth import Access
from app.core.errors import FieldError
from app.core.json_limits import MAX_DEPTH, storable, too_deep

MOST_SAID: Final = 2000
MIN_QUOTED: Final = 3
# What may come later where a person writes it: nothing that a model may assume.
_ABSENT: Final = ("_not_found", "_unknown")
T = TypeVar("T", bound=BaseModel)
Said = Annotated[str, Field(max_length=MOST_SAID)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")


class NodeSaid(_Answer):
    id: str
    why: Said = ""
    words: Said = ""


class ChangeSaid(_Answer):
    what: Said
    why: Said = ""
    because: Annotated[list[str], Field(max_length=50)] = []


class Missing(_Answer):
    kind: Annotated[str, Field(max_length=64)]
    name: Annotated[str, Field(max_length=200)] = ""
    why: Said = ""


class Draft(_Answer):
    """`definition` is JSON in a string; some models give the object itself."""

    definition: str | dict[str, Any] = ""
    nodes: Annotated[list[NodeSaid], Field(max_length=500)] = []
    changes: Annotated[list[ChangeSaid], Field(max_length=100)] = []
    assumptions: Annotated[list[Said], Field(max_length=50)] = []
    missing: Annotated[list[Missing], Field(max_length=50)] = []


class Unwritable(Exception):
    """The model says that it cannot be done, and what is missing."""

    def __init__(self, missing: Sequence[Missing]) -> None:
        super().__init__("; ".join(f"{each.name}: {each.why}" for each in missing))
        self.missing = missing


class Wrong(Exception):
    """`mistakes` are what the model is told to mend."""

    def __init__(self, mistakes: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{each.pointer}: {each.detail}" for each in mistakes[:5]))
        self.mistakes = list(mistakes)


@dataclass(frozen=True, slots=True)
class Written:
    """A definition that can be used; `document` is as the model wrote it."""

    draft: Draft
    document: dict[str, Any]
    flow: Flow
    warnings: list[FieldError]


def read(answer: str, shape: type[T]) -> T:
    """Raises Wrong."""
    try:
        return shape.model_validate(bare_json(answer[:LONGEST]))
    except ValidationError as error:
        said = error.errors(include_url=False, include_input=False)
        raise Wrong(
            [
                FieldError("".join(f"/{part}" for part in each["loc"]), "form", each["msg"])
                for each in said[:10]
            ]
        ) from error
    except DraftInvalid as error:
        raise Wrong([FieldError("", "not_json", str(error))]) from error


def document_of(written: str | dict[str, Any], at: str) -> dict[str, Any]:
    """The JSON object of a text in an answer; raises Wrong."""
    try:
        value = written if isinstance(written, dict) else bare_json(written)
    except DraftInvalid as error:
        raise Wrong([FieldError(at, "not_json", str(error))]) from error
    if not isinstance(value, dict):
        raise Wrong([FieldError(at, "not_json", "is no JSON object")])
    if too_deep(orjson.dumps(value), value) is not None:
        raise Wrong([FieldError(at, "too_deep", f"is nested deeper than {MAX_DEPTH} levels")])
    document: dict[str, Any] = storable(value)
    return document


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks what a model has written as one of the caller's own, and by the rules for models.

    What `base` does already is its author's doing, and so are the `names` in it: of those that are
    not there, people are told.
    """

    workbench: Workbench
    access: Access
    rules: Rules
    base: Flow | None = None
    names: frozenset[str] = frozenset()

    async def written(self, answer: str) -> Written:
        """Raises Wrong and Unwritable."""
        draft = read(answer, Draft)
        if not draft.definition and draft.missing:
            raise Unwritable(draft.missing)
        document = document_of(draft.definition or "", AT)
        flow, warnings = await self.checked(document)
        return Written(draft, document, flow, warnings)

    async def checked(self, document: dict[str, Any]) -> tuple[Flow, list[FieldError]]:
        """The definition, and what people are told of it; raises Wrong."""
        found = await look_over(self.workbench.bench, self.access, document, at=AT)
        if found.flow is None:
            raise Wrong(found.errors)
        mistakes = list(found.errors)
        told: list[FieldError] = []
        for each in found.warnings:
            is_new = each.code.endswith(_ABSENT) and _value_at(document, each) not in self.names
            (mistakes if is_new else told).append(each)
        guard = guarded(found.flow, self.rules, self.base)
        if mistakes or guard.refused:
            raise Wrong([*mistakes, *guard.refused])
        return found.flow, [*told, *guard.warned]


def _value_at(document: Any, problem: FieldError) -> Any:
    """What a pointer of a problem leads to; None where it leads nowhere."""
    value = document
    for step in problem.pointer.removeprefix(AT).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            return None
    return value if isinstance(value, str) else None


def quoted(words: str, said: str) -> dict[str, Any] | None:
    """Where words stand in a text, white space and case aside; None where they do not."""
    parts = words.split()
    if not parts or len(words) < MIN_QUOTED:
        return None
    found = re.search(r"\s+".join(map(re.escape, parts)), said, re.IGNORECASE)
    if found is None:
        return None
    return {"text": found[0], "start": found.start(), "end": found.end()}
