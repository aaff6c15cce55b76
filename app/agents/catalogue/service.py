"""The tools' catalogue, page by page."""

from typing import Any

from app.agents.catalogue.schemas import ToolQuery, ToolRead, ToolTraitsRead
from app.agents.tools.registry import ToolRegistry
from app.agents.tools.tool import Listed, Wanted
from app.core.auth import Access
from app.core.paging import Cursors, Slice, page_of


async def page(
    tools: ToolRegistry, access: Access, query: ToolQuery, cursors: Cursors
) -> Slice[Any]:
    """Raises CursorInvalid. Sources are asked anew each time; none is held in a transaction."""
    found = [each for each in await tools.listed(access) if _fits(each, query)]
    shown = page_of(
        found,
        lambda each: each.reference,
        query,
        name="tools",
        cursors=cursors,
        workspace_id=access.workspace_id,
    )
    return shown.map(read_of)


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
