"""What a definition has other workflows run with: whether it fits the versions that it would be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.automation.language.flow import Flow
from app.automation.language.inputs import sure_mistakes
from app.automation.nodes.fields import is_template
from app.automation.workflows.errors import (
    WorkflowLabelNotFound,
    WorkflowNotFound,
    WorkflowVersionNotFound,
)
from app.automation.workflows.models import WORKFLOW_KIND
from app.automation.workflows.references import nodes_of
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.identity.versioned import keeping

_Callee = tuple[str, int | None, str | None]


@dataclass(frozen=True, slots=True)
class Call:
    """`schema` is what `callee`, a version of a workflow, wants of its `inputs`.

    It is `settled` where the call names that version: another one may come by a label.
    """

    place: str
    inputs: Mapping[str, Any]
    callee: str
    schema: Mapping[str, Any]
    settled: bool


async def calls_of(
    session: AsyncSession, access: Access, flow: Flow, *, beside: frozenset[str], at: str
) -> tuple[list[Call], list[FieldError]]:
    """Calls of workflows that are there, and the versions and labels that are not.

    `at` is the pointer of the definition. Workflows `beside` it are made with it: not looked at.
    """
    calls: list[Call] = []
    unnamed: list[FieldError] = []
    known: dict[_Callee, tuple[str, Mapping[str, Any] | None] | FieldError | None] = {}
    for place, callee, inputs in _called(flow, at):
        if callee[0] in beside:
            continue
        if callee not in known:
            known[callee] = await _found(session, access, callee)
        found = known[callee]
        if isinstance(found, FieldError):
            unnamed.append(replace(found, pointer=f"{place}{found.pointer}"))
        elif found is not None and found[1] is not None and isinstance(inputs, Mapping):
            calls.append(Call(place, inputs, found[0], found[1], settled=callee[1] is not None))
    return calls, unnamed


def mistakes_in(calls: Sequence[Call]) -> tuple[list[FieldError], list[FieldError]]:
    """What does not fit for good, and what does not as the called workflow is now."""
    settled: list[FieldError] = []
    passing: list[FieldError] = []
    for call in calls:
        for each in sure_mistakes(call.schema, call.inputs, f"{call.place}/inputs"):
            said = replace(each, detail=f"{each.detail}: {call.callee} says so")
            (settled if call.settled else passing).append(said)
    return settled, passing


def _called(flow: Flow, at: str) -> Iterator[tuple[str, _Callee, Any]]:
    """Where what is called, with which inputs; what a template names is not known yet."""
    for place, node in nodes_of(flow, at):
        if node.type != "subworkflow":
            continue
        settings = node.with_
        named = [settings["workflow"], settings.get("version"), settings.get("label")]
        if not is_template(named):
            yield f"{place}/with", (named[0], named[1], named[2]), settings.get("inputs", {})


async def _found(
    session: AsyncSession, access: Access, callee: _Callee
) -> tuple[str, Mapping[str, Any] | None] | FieldError | None:
    """A version by its name, and its schema; None where `absent` tells of the workflow."""
    try:
        workflow, version = await keeping.resolve(session, WORKFLOW_KIND, access, *callee)
    except WorkflowNotFound:
        return None
    except WorkflowVersionNotFound as error:
        return FieldError("/version", error.code, error.detail)
    except WorkflowLabelNotFound as error:
        return FieldError("/label", error.code, error.detail)
    said = f"version {version.number} of `{workflow.slug}`"
    return said, version.definition.get("inputs")
