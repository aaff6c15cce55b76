"""The tools' catalogue, page by page."""

from typing import Any

from app.agents.catalogue.schemas import ToolQuery, ToolRead, ToolTraitsRead
from app.agents.tools.registry import ToolRegistry
from app.agents.tools.tool import Listed, Wanted
from app.core.auth import Access
from app.core.paging import Cursors, Slice, binding_of


async def page(
    tools: ToolRegistry, access: Access, query: ToolQuery, cursors: Cursors
) -> Slice[Any]:
    """Raises CursorInvalid. Sources are asked anew each time; none is held in a transaction."""
    descends = query.descends(by_default=False)
    found = [each for each in await tools.listed(access) if _fits(each, query)]
    found.sort(key=lambda each: each.reference, reverse=descends)
    total = len(found) if query.include == "total" else None
    binding = binding_of(f"tools.{descends}", query, access.workspace_id)
    if query.cursor:
        (last,) = cursors.decode(query.cursor, binding)
        found = [e for e in found if (e.reference < last if descends else e.reference > last)]
    shown, more = found[: query.limit], len(found) > query.limit
    following = cursors.encode([shown[-1].reference], binding) if more else None
    return Slice(shown, more, following, total).map(read_of)


def _fits(listed: Listed, query: ToolQuery) -> bool:
    if query.source is not None and Wanted(listed.reference).source != query.source:
        return False
    if query.ready is not None and listed.ready != query.ready:
        return False
    said = f"{listed.reference}\n{listed.description}".casefold()
    return query.q is None or query.q.casefold() in said


def read_of(listed: Listed) -> ToolRead:
    traits = listed.traits
    return ToolRead(
        reference=listed.reference,
        source=Wanted(listed.reference).source,
        name=listed.name,
        description=listed.description,
        parameters=dict(listed.parameters),
        config=dict(listed.config),
        traits=ToolTraitsRead(
            effects=traits.effects,
            idempotent=traits.idempotent,
            seconds=traits.seconds,
            characters=traits.characters,
            scopes=sorted(traits.scopes),
            approval=traits.approval,
        ),
        ready=listed.ready,
        missing=listed.missing,
    )
