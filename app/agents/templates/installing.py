"""Packs in a workspace: installed, and brought to a new version where nobody changed them."""

from typing import Any

from app.agents.templates import crud, keeping
from app.agents.templates.keeping import Sheet
from app.agents.templates.models import Template
from app.agents.templates.pack import Pack, PackEntry
from app.agents.templates.service import author_of
from app.agents.templates.versions import PRODUCTION
from app.core.auth import Access
from app.core.db import AsyncSession


async def install(session: AsyncSession, access: Access, pack: Pack) -> dict[str, Any]:
    """The fields of a TemplatePackInstalled. Done again, it changes nothing.

    A template whose newest version is not what the pack had put there is kept as it is. Raises
    TooManyTemplates.
    """
    await crud.take_turn(session, access.workspace_id)
    there = await crud.of_pack(session, access.workspace_id, access.user_id, pack.name)
    outcomes = []
    for entry in pack.templates:
        template = there.get(entry.entry)
        if template is None:
            status, template = "installed", await _add(session, access, pack, entry)
        else:
            status = await _renew(session, access, template, pack, entry)
        outcomes.append({"entry": entry.entry, "status": status, "template_id": template.id})
    return {"name": pack.name, "version": pack.version, "templates": outcomes}


async def _add(session: AsyncSession, access: Access, pack: Pack, entry: PackEntry) -> Template:
    content = entry.content
    made = await keeping.add(session, author_of(access), _sheet(pack, entry), content)
    made.pack, made.pack_entry = pack.name, entry.entry
    made.pack_version, made.pack_digest = pack.version, content.digest
    made.status, made.labels = "published", {PRODUCTION: 1}
    await session.flush()
    return made


async def _renew(
    session: AsyncSession, access: Access, template: Template, pack: Pack, entry: PackEntry
) -> str:
    content = entry.content
    newest = await crud.version(
        session, template.workspace_id, template.id, template.current_version
    )
    if newest is None or newest.digest != template.pack_digest:
        return "kept"
    if content.digest == template.pack_digest:
        template.pack_version = pack.version
        await session.flush()
        return "unchanged"
    in_use = template.labels.get(PRODUCTION) == template.current_version
    await keeping.add_version(session, template, access.user_id, _sheet(pack, entry), content)
    template.pack_version, template.pack_digest = pack.version, content.digest
    if in_use:
        template.labels = {**template.labels, PRODUCTION: template.current_version}
    await session.flush()
    return "updated"


def _sheet(pack: Pack, entry: PackEntry) -> Sheet:
    return Sheet(
        entry.name,
        entry.description,
        pack.category,
        entry.language,
        origin="pack",
        note=f"Of the pack {pack.name}, version {pack.version}.",
    )
