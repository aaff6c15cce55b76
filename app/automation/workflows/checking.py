"""What is wrong with a definition: by itself, by what its nodes know, and by what it names."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from app.automation.language.checking import DefinitionUnfit, findings_of
from app.automation.language.flow import Flow
from app.automation.nodes.registry import NodeTypes
from app.automation.workflows.calling import calls_of, mistakes_in
from app.automation.workflows.references import absent, nodes_of
from app.core.auth import Access
from app.core.db import Database
from app.core.errors import FieldError

AT: Final = "/body/definition"
MOST_SHOWN: Final = 50
# What may come later, or be there for whoever runs it; and what works, and had better not stand.
_WARNINGS: Final = ("_not_found", "_unknown", "secret_written")


@dataclass(frozen=True, slots=True)
class Bench:
    """What definitions are checked with."""

    database: Database
    types: NodeTypes


@dataclass(frozen=True, slots=True)
class Findings:
    """`flow` is None for what has not the form of one; that is never without an error."""

    flow: Flow | None
    errors: list[FieldError]
    warnings: list[FieldError]


async def look_over(
    bench: Bench,
    access: Access,
    value: dict[str, Any],
    *,
    beside: frozenset[str] = frozenset(),
    at: str = AT,
) -> Findings:
    """All that is wrong at once; what does not keep it from running is a warning.

    No session is held meanwhile. Workflows of the slugs `beside` it are made with it.
    """
    # A long one takes a while.
    flow, own = await asyncio.to_thread(findings_of, value, bench.types, pointer=at)
    if flow is None or own.errors:
        return Findings(flow, own.errors, own.warnings)
    told = await _told(bench.types, access, flow, at)
    async with bench.database.unit(access.scope) as session:
        told += await absent(session, access, flow, beside=beside, at=at)
        calls, unnamed = await calls_of(session, access, flow, beside=beside, at=at)
    unfit_for_good, unfit_now = await asyncio.to_thread(mistakes_in, calls)
    told += unnamed
    errors = [each for each in told if not each.code.endswith(_WARNINGS)]
    warnings = [each for each in told if each.code.endswith(_WARNINGS)]
    return Findings(flow, [*errors, *unfit_for_good], [*own.warnings, *warnings, *unfit_now])


async def expect_sound(
    bench: Bench,
    access: Access,
    value: dict[str, Any],
    *,
    beside: frozenset[str] = frozenset(),
) -> tuple[Flow, list[FieldError]]:
    """The definition, and warnings; raises DefinitionUnfit."""
    found = await look_over(bench, access, value, beside=beside)
    if found.flow is None or found.errors:
        raise unfit(found.errors)
    return found.flow, found.warnings


def unfit(mistakes: Sequence[FieldError]) -> DefinitionUnfit:
    """The error that tells them."""
    said = "; ".join(f"{each.pointer}: {each.detail}" for each in mistakes[:3])
    return DefinitionUnfit(said, errors=tuple(mistakes[:MOST_SHOWN]))


async def _told(types: NodeTypes, access: Access, flow: Flow, at: str) -> list[FieldError]:
    """What the types of nodes and of compensations say of their settings, in their order."""
    places = list(_settings(flow, at))
    found: dict[str, Sequence[FieldError]] = {}
    for kind in dict.fromkeys(kind for _, kind, _ in places):
        mine = [(place, settings) for place, each, settings in places if each == kind]
        said = await types.get(*kind).mistakes_of(access, [settings for _, settings in mine])
        found |= dict(zip([place for place, _ in mine], said, strict=True))
    return [
        replace(each, pointer=f"{place}{each.pointer}")
        for place, _, _ in places
        for each in found[place]
    ]


def _settings(flow: Flow, at: str) -> Iterator[tuple[str, tuple[str, int], Mapping[str, Any]]]:
    """Settings with their places, and the type and version that they are of."""
    for place, node in nodes_of(flow, at):
        yield f"{place}/with", (node.type, node.v), node.with_
        if undo := node.compensate:
            yield f"{place}/compensate/with", (undo.type, undo.v), undo.with_
