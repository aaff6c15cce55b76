"""What a workspace does with its own tools."""

from typing import Any
from uuid import UUID

from app.agents.custom_tools import crud
from app.agents.custom_tools.checking import check
from app.agents.custom_tools.errors import ToolNotFound
from app.agents.custom_tools.models import CustomTool
from app.agents.custom_tools.schemas import (
    CustomToolBulkItem,
    CustomToolCreate,
    CustomToolQuery,
    CustomToolUpdate,
    Policy,
    RequestTemplate,
)
from app.core import restorable
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.outbound import Outbound
from app.core.paging import Cursors, Slice
from app.core.schema import Input
from app.core.versions import match


async def create(
    session: AsyncSession,
    access: Access,
    new: CustomToolCreate,
    outbound: Outbound,
    *,
    origin: dict[str, Any] | None = None,
) -> CustomTool:
    """Raises ToolInvalid, AddressRefused and ToolSlugTaken."""
    check(new.parameters, new.request, new.policy, outbound)
    tool = CustomTool(
        id=new_id(),
        workspace_id=access.workspace_id,
        slug=new.slug,
        enabled=new.enabled,
        origin=origin,
        **_written(new),
    )
    await crud.add(session, tool)
    return tool


async def replace(
    session: AsyncSession,
    tool: CustomTool,
    new: CustomToolCreate,
    outbound: Outbound,
    *,
    origin: dict[str, Any] | None,
) -> None:
    """Make a tool what `new` says; raises ToolInvalid and AddressRefused."""
    check(new.parameters, new.request, new.policy, outbound)
    for name, value in _written(new).items():
        setattr(tool, name, value)
    tool.enabled, tool.origin = new.enabled, origin
    await session.flush()


def _written(new: CustomToolCreate) -> dict[str, Any]:
    """The columns of what a tool is."""
    return {
        "name": new.name or new.slug,
        "description": new.description,
        "parameters": new.parameters,
        "request": _dumped(new.request),
        "result": _dumped(new.result),
        "policy": _dumped(new.policy),
    }


def _dumped(part: Input) -> dict[str, Any]:
    return part.model_dump(mode="json", by_alias=True)


async def get(
    session: AsyncSession, access: Access, tool_id: UUID, *, for_update: bool = False
) -> CustomTool:
    """Raises ToolNotFound."""
    found = await crud.get(session, access.workspace_id, tool_id, for_update=for_update)
    if found is None:
        raise ToolNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: CustomToolQuery, cursors: Cursors
) -> Slice[CustomTool]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def update(
    session: AsyncSession,
    access: Access,
    tool_id: UUID,
    change: CustomToolUpdate,
    outbound: Outbound,
) -> CustomTool:
    """Raises ToolNotFound, ToolInvalid and AddressRefused."""
    tool = await get(session, access, tool_id, for_update=True)
    await match(session, tool)
    for name in change.model_fields_set:
        value = getattr(change, name)
        setattr(tool, name, _dumped(value) if isinstance(value, Input) else value)
    if change.model_fields_set & {"parameters", "request", "policy"}:
        request = RequestTemplate.model_validate(tool.request)
        check(tool.parameters, request, Policy.model_validate(tool.policy), outbound)
    await session.flush()
    await session.refresh(tool)
    return tool


async def delete(session: AsyncSession, access: Access, tool_id: UUID) -> None:
    """Agents that name it cannot be run until it is back."""
    tool = await get(session, access, tool_id, for_update=True)
    await match(session, tool)
    tool.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, tool_id: UUID) -> CustomTool:
    """Raises ToolNotFound, RestoreExpired and ToolSlugTaken."""
    tool = await restorable.find(session, CustomTool, access.workspace_id, tool_id, for_update=True)
    if tool is None:
        raise ToolNotFound
    restorable.expect_restorable(tool)
    if tool.deleted_at:
        await crud.restore(session, tool)
        await session.refresh(tool)
    return tool


async def bulk(
    session: AsyncSession, access: Access, items: list[CustomToolBulkItem]
) -> BulkResult:
    """Each item on its own: one that fails leaves the others done."""

    async def act(item: CustomToolBulkItem) -> UUID:
        match item.action:
            case "delete":
                await delete(session, access, item.id)
            case "restore":
                await restore(session, access, item.id)
            case _:
                tool = await get(session, access, item.id, for_update=True)
                tool.enabled = item.action == "enable"
                await session.flush()
        return item.id

    return await each(session, items, act)
