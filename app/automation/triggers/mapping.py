"""What a run is started with, made of what came."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from app.automation.language.expressions import ExpressionUnfit, compiled
from app.automation.language.faults import StepFault
from app.automation.language.templates import (
    Source,
    TemplateUnfit,
    pieces_of,
    rendered,
    templates_in,
)
from app.automation.triggers.errors import WorkflowInputsInvalid, WorkflowTriggerInvalid
from app.automation.triggers.models import WorkflowTrigger

NAMES: Final = ("event", "body", "headers", "scheduled_at", "trigger")
MOST_INPUTS: Final = 1024 * 1024


def came(
    *,
    event: Mapping[str, Any] | None = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    scheduled_at: datetime | None = None,
) -> dict[str, Any]:
    """What came, as a delivery keeps it and expressions see it."""
    return {
        "event": dict(event or {}),
        "body": body,
        "headers": dict(headers or {}),
        "scheduled_at": scheduled_at.isoformat().replace("+00:00", "Z") if scheduled_at else None,
    }


def inputs_of(trigger: WorkflowTrigger, what: Mapping[str, Any]) -> dict[str, Any]:
    """Raises WorkflowInputsInvalid."""
    if trigger.inputs is None:
        return _by_default(trigger.kind, what)
    told = {"id": str(trigger.id), "name": trigger.name, "kind": trigger.kind}
    try:
        made: dict[str, Any] = rendered(trigger.inputs, {**what, "trigger": told}, MOST_INPUTS)
    except StepFault as fault:
        raise WorkflowInputsInvalid(fault.message) from None
    return made


def _by_default(kind: str, what: Mapping[str, Any]) -> dict[str, Any]:
    given = what["event"].get("data") if kind == "event" else what["body"]
    return dict(given) if isinstance(given, Mapping) else {}


def check(inputs: Mapping[str, Any] | None) -> None:
    """Raises WorkflowTriggerInvalid for templates that cannot be read or name what is not there."""
    for found in templates_in(dict(inputs or {}), "/body/inputs"):
        try:
            pieces = pieces_of(found.text)
        except TemplateUnfit as error:
            raise WorkflowTriggerInvalid(found.pointer, f"{error}.") from None
        for source in pieces:
            for wrong in _unknown(source, NAMES) if isinstance(source, Source) else ():
                raise WorkflowTriggerInvalid(found.pointer, wrong)


def check_match(expression: str | None) -> None:
    """Raises WorkflowTriggerInvalid."""
    for wrong in _unknown(expression, ("event",)) if expression else ():
        raise WorkflowTriggerInvalid("/body/on/match", wrong)


def _unknown(source: str, known: tuple[str, ...]) -> Iterator[str]:
    try:
        chains = compiled(source).chains
    except ExpressionUnfit as error:
        yield f"`{source[:100]}`: {error}."
        return
    for chain in chains:
        if chain[0] not in known:
            yield f"`{chain[0]}` is not there; there is {', '.join(known)}."
