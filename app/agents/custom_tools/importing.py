"""OpenAPI documents become tools: read beside the loop, written in one transaction."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from app.agents.custom_tools import crud, service
from app.agents.custom_tools.checking import check_schema
from app.agents.custom_tools.errors import OpenApiUnreachable, ToolInvalid
from app.agents.custom_tools.openapi import document as documents
from app.agents.custom_tools.openapi.operations import (
    Draft,
    Found,
    LeftOut,
    draft,
    operations,
    relative,
)
from app.agents.custom_tools.openapi.schemas_of import without_patterns
from app.agents.custom_tools.openapi.security import placement, wanted_scheme
from app.agents.custom_tools.schemas import CustomToolCreate
from app.agents.custom_tools.schemas_import import MOST_OPERATIONS, OpenApiImport
from app.agents.custom_tools.schemas_read import ImportedOperation, OpenApiImportRead
from app.agents.tools.tool import ToolFault
from app.agents.tools.web.calling import SAFE, Egress, call, fault_of
from app.agents.tools.web.client import Ask, ToolClient, address
from app.agents.tools.web.reading import text_of
from app.agents.tools.web.untrusted import visible
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.errors import AppError, FieldError, Unprocessable
from app.core.outbound import Outbound

SECONDS: Final = 30.0
_LONGEST_SLUG: Final = 64


@dataclass(frozen=True, slots=True)
class Planned:
    """One operation: the tool it becomes, or why it becomes none."""

    operation: ImportedOperation
    tool: CustomToolCreate | None
    origin: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import does; made without a transaction."""

    wanted: OpenApiImport
    title: str
    openapi: str
    schemes: list[str]
    planned: list[Planned]


async def plan(client: ToolClient, wanted: OpenApiImport) -> Plan:
    """Raises OpenApiUnreadable, OpenApiUnreachable and Unprocessable."""
    text = wanted.document if wanted.document is not None else await _fetched(client, wanted)
    return await asyncio.to_thread(_planned, wanted, text)


async def _fetched(client: ToolClient, wanted: OpenApiImport) -> str:
    headers = {"Accept": "application/json, application/yaml, text/*;q=0.8"}
    try:
        url = address(wanted.url or "")
        ask = Ask("GET", url, headers, most_bytes=documents.MOST_JSON_BYTES)
        reply = await call(client, ask, Egress(), seconds=SECONDS)
        if fault := fault_of(reply):
            raise fault
        if reply.cut:
            raise ToolFault("too_large", "It is larger than may be read.")
        return await asyncio.to_thread(text_of, reply)
    except ToolFault as fault:
        told = (FieldError("/body/url", fault.code, fault.message),)
        if fault.code in ("bad_url", "refused_address"):
            raise Unprocessable(fault.message, errors=told) from None
        raise OpenApiUnreachable(fault.message, errors=told) from None


def _planned(wanted: OpenApiImport, text: str) -> Plan:
    document = documents.read(text)
    if wanted.url is not None:
        relative(document, address(wanted.url))
    chosen = _chosen(document, wanted)
    info = document.get("info")
    title = str(info.get("title", ""))[:200] if isinstance(info, Mapping) else ""
    taken: set[str] = set()
    planned = [_one(document, found, wanted, title, taken) for found in chosen]
    schemes = {
        scheme for found in chosen if (scheme := wanted_scheme(document, found.operation)[0])
    }
    return Plan(wanted, visible(title), str(document["openapi"])[:20], sorted(schemes), planned)


def _chosen(document: Mapping[str, Any], wanted: OpenApiImport) -> list[Found]:
    """Raises Unprocessable where a name is unknown, or too many are chosen."""
    every = list(operations(document))
    if wanted.operations is not None:
        unknown = set(wanted.operations) - {found.id for found in every}
        if unknown:
            raise _refused("operations", f"`{min(unknown)}` is no operation of the document")
        every = [found for found in every if found.id in wanted.operations]
    if wanted.tags is not None:
        every = [found for found in every if set(found.tags) & set(wanted.tags)]
    if len(every) > MOST_OPERATIONS:
        raise _refused("operations", f"at most {MOST_OPERATIONS}; these are {len(every)}")
    return every


def _refused(name: str, detail: str) -> Unprocessable:
    field = FieldError(f"/body/{name}", Unprocessable.code, detail)
    return Unprocessable(f"`{name}`: {detail}.", errors=(field,))


def _one(
    document: Mapping[str, Any], found: Found, wanted: OpenApiImport, title: str, taken: set[str]
) -> Planned:
    origin = {"kind": "openapi", "title": title, "operation": found.id, "url": wanted.url}
    slug = _slug(wanted.prefix, found, taken)
    try:
        made = draft(document, found, wanted.server)
        tool = _tool(document, found, made, wanted, slug)
    except (LeftOut, ToolInvalid, ValidationError, RecursionError) as error:
        return Planned(_told(found, "left_out", None, [_reason(error)]), None, origin)
    except (AttributeError, KeyError, TypeError, ValueError):
        said = "it is not written as OpenAPI has it"
        return Planned(_told(found, "left_out", None, [said]), None, origin)
    return Planned(_told(found, "created", slug, made.reasons), tool, origin)


def _tool(
    document: Mapping[str, Any], found: Found, made: Draft, wanted: OpenApiImport, slug: str
) -> CustomToolCreate:
    request: dict[str, Any] = {
        "method": made.method,
        "url": made.url,
        "places": made.places,
        "body_format": made.body_format,
    }
    scheme, said = wanted_scheme(document, found.operation)
    if said:
        raise LeftOut(said)
    if scheme is not None:
        if (name := wanted.credentials.get(scheme)) is not None:
            request["credential"] = {"name": name, **(placement(document, scheme) or {})}
        else:
            made.reasons.append(f"it needs a credential for `{scheme}`, and was given none")
    reads = made.method in SAFE
    return CustomToolCreate.model_validate(
        {
            "slug": slug,
            "name": visible(found.id),
            "description": visible(made.description),
            "parameters": _sound(made),
            "request": request,
            "policy": {
                "effects": "read" if reads else "external",
                "approval": "never" if reads else "always",
            },
            "enabled": wanted.enabled,
        }
    )


def _sound(made: Draft) -> dict[str, Any]:
    """The draft's schema, without its patterns where these are no patterns here."""
    parameters = made.parameters
    try:
        check_schema(parameters)
    except ToolInvalid:
        bare: dict[str, Any] = without_patterns(parameters)
        check_schema(bare)
        made.reasons.append("patterns that are not understood here were left out")
        return bare
    return parameters


def _slug(prefix: str, found: Found, taken: set[str]) -> str:
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", f"{prefix}-{found.id}" if prefix else found.id)
    plain = re.sub(r"[^a-z0-9_]+", "-", apart.lower()).strip("-_")[: _LONGEST_SLUG - 4].rstrip("-")
    plain = plain or "operation"
    slug, number = plain, 1
    while slug in taken:
        number += 1
        slug = f"{plain}-{number}"
    taken.add(slug)
    return slug


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'/'.join(map(str, first['loc']))}: {first['msg']}"[:300]
    if isinstance(error, AppError):
        return error.detail[:300]
    return "its schema is too large" if isinstance(error, RecursionError) else str(error)[:300]


def _told(found: Found, outcome: str, slug: str | None, reasons: list[str]) -> ImportedOperation:
    return ImportedOperation.model_validate(
        {
            "operation": visible(found.id),
            "method": found.method,
            "path": visible(found.path)[:500],
            "outcome": outcome,
            "tool_id": None,
            "slug": slug,
            "reasons": reasons,
        }
    )


async def carry_out(
    session: AsyncSession, access: Access, planned: Plan, outbound: Outbound
) -> OpenApiImportRead:
    """Write the tools of a plan; one that cannot be made is left out, and says why."""
    done = [
        await _write(session, access, each, planned.wanted, outbound) for each in planned.planned
    ]
    return OpenApiImportRead(
        title=planned.title, openapi=planned.openapi, schemes=planned.schemes, data=done
    )


async def _write(
    session: AsyncSession,
    access: Access,
    planned: Planned,
    wanted: OpenApiImport,
    outbound: Outbound,
) -> ImportedOperation:
    told, tool = planned.operation, planned.tool
    if tool is None:
        return told
    there = await crud.by_slug(session, access.workspace_id, tool.slug)
    try:
        if there is None:
            made = await service.create(session, access, tool, outbound, origin=planned.origin)
            return told.model_copy(update={"tool_id": made.id})
        if wanted.on_conflict == "skip":
            reasons = [*told.reasons, "there is a tool with that slug"]
            kept = {"outcome": "skipped", "tool_id": there.id, "reasons": reasons}
            return told.model_copy(update=kept)
        await service.replace(session, there, tool, outbound, origin=planned.origin)
        return told.model_copy(update={"outcome": "replaced", "tool_id": there.id})
    except AppError as error:
        left = {"outcome": "left_out", "slug": None, "reasons": [_reason(error)]}
        return told.model_copy(update=left)
