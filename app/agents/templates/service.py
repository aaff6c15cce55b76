"""What a caller may do with templates."""

from typing import Final, Literal
from uuid import UUID

from app.agents.templates import crud, indexing, keeping
from app.agents.templates.content import Content, content_of
from app.agents.templates.errors import (
    TemplateInvalid,
    TemplateNotFound,
    TemplateNotYours,
    TemplateReadOnly,
    TemplateVersionNotFound,
)
from app.agents.templates.keeping import Author, Sheet
from app.agents.templates.maker import Makers
from app.agents.templates.models import Template, TemplateVersion
from app.agents.templates.schemas import (
    TemplateBulkItem,
    TemplateCreate,
    TemplateDuplicate,
    TemplateQuery,
    TemplateUpdate,
)
from app.agents.templates.schemas_read import TemplateDetail
from app.core import restorable
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.identity.sharing import service as sharing
from app.identity.sharing.service import Shareable

To = Literal["read", "write", "own"]
_PLAIN: Final = ("name", "slug", "category", "language", "visibility")


def author_of(access: Access) -> Author:
    return Author(access.workspace_id, access.user_id)


async def create(
    session: AsyncSession, access: Access, new: TemplateCreate, makers: Makers
) -> TemplateDetail:
    """Raises TemplateInvalid, TooManyTemplates and TemplateSlugTaken."""
    content = Content(new.variables, new.body, tuple(new.examples))
    sheet = Sheet(
        new.name,
        new.description,
        new.category,
        new.language,
        new.visibility,
        new.slug,
        new.metadata,
        note=new.note,
    )
    made = await keeping.add(session, author_of(access), sheet, content)
    makers.expect_sound(content)
    return detail(made, content)


async def get(
    session: AsyncSession,
    access: Access,
    template_id: UUID,
    *,
    to: To = "read",
    for_update: bool = False,
) -> Template:
    """A living template that the caller sees.

    Raises TemplateNotFound, and where they may do less TemplateReadOnly, TemplateNotYours.
    """
    template = await _any(session, access, template_id, for_update=for_update)
    if template.deleted_at is not None:
        raise TemplateNotFound
    await _expect_right(session, access, template, to)
    return template


async def named(session: AsyncSession, access: Access, name: str) -> Template:
    """A living template that the caller sees, by its id or its slug; raises TemplateNotFound."""
    try:
        template_id = UUID(name)
    except ValueError:
        found = await crud.of_slug(session, access.workspace_id, name)
        if found is None:
            raise TemplateNotFound from None
        template_id = found
    return await get(session, access, template_id)


async def version_of(session: AsyncSession, template: Template, number: int) -> TemplateVersion:
    """Raises TemplateVersionNotFound."""
    found = await crud.version(session, template.workspace_id, template.id, number)
    if found is None:
        raise TemplateVersionNotFound(f"It has the versions 1 to {template.current_version}.")
    return found


async def show(session: AsyncSession, access: Access, template_id: UUID) -> TemplateDetail:
    """One, with what its newest version says; raises TemplateNotFound."""
    template = await get(session, access, template_id)
    return await detailed(session, template)


async def detailed(session: AsyncSession, template: Template) -> TemplateDetail:
    version = await version_of(session, template, template.current_version)
    return detail(template, content_of(version))


def detail(template: Template, content: Content) -> TemplateDetail:
    names = (
        "id", "owner_id", "name", "slug", "description", "kind", "category", "language",
        "visibility", "status", "current_version", "labels", "annotations", "pack",
        "pack_version", "source_id", "created_at", "updated_at", "deleted_at",
        "restorable_until", "version",
    )  # fmt: skip
    return TemplateDetail.model_validate(
        {name: getattr(template, name) for name in names}
        | {
            "variables": content.variables,
            "body": content.body,
            "examples": list(content.examples),
        }
    )


async def page(
    session: AsyncSession, access: Access, query: TemplateQuery, cursors: Cursors
) -> Slice[Template]:
    return await crud.page(session, access.workspace_id, access.user_id, query, cursors)


async def update(
    session: AsyncSession,
    access: Access,
    template_id: UUID,
    change: TemplateUpdate,
    makers: Makers,
) -> TemplateDetail:
    """Raises TemplateInvalid, TemplateSlugTaken, TooManyTemplateVersions, and what `get` raises."""
    given = change.model_fields_set
    to: To = "own" if "visibility" in given else "write"
    template = await get(session, access, template_id, to=to, for_update=True)
    await match(session, template)
    version = await version_of(session, template, template.current_version)
    for name in _PLAIN:
        if name in given:
            setattr(template, name, getattr(change, name))
    if "description" in given:
        template.description = change.description or ""
    if "metadata" in given:
        template.annotations = change.metadata or {}
    if template.visibility == "private" and template.owner_id is None:
        template.owner_id = access.user_id
    if "slug" in given:
        # Before anything else is written: here a slug that is taken is told as one.
        await crud.save(session, template)
    old = content_of(version)
    content = _changed(template, old, change)
    if content.digest != version.digest:
        sheet = Sheet(template.name, origin="edited", note=change.note)
        await keeping.add_version(session, template, access.user_id, sheet, content)
        makers.expect_sound(content)
    else:
        await indexing.index(session, template, content, access.user_id)
    await crud.save(session, template)
    await session.refresh(template)
    return detail(template, content)


def _changed(template: Template, old: Content, change: TemplateUpdate) -> Content:
    if change.body is not None and change.body.type != template.kind:
        wrong = FieldError(
            "/body/body/type", TemplateInvalid.code, f"of this template is `{template.kind}`"
        )
        raise TemplateInvalid([wrong])
    return Content(
        old.variables if change.variables is None else change.variables,
        old.body if change.body is None else change.body,
        old.examples if change.examples is None else tuple(change.examples),
    )


async def delete(session: AsyncSession, access: Access, template_id: UUID) -> None:
    """Soft: `restore` brings it back for 30 days. Agents that were made of it stay."""
    template = await get(session, access, template_id, to="own", for_update=True)
    await match(session, template)
    template.deleted_at = now()
    await indexing.forget(session, template)
    await session.flush()


async def restore(session: AsyncSession, access: Access, template_id: UUID) -> TemplateDetail:
    """Raises RestoreExpired, TooManyTemplates and TemplateSlugTaken."""
    template = await _any(session, access, template_id, for_update=True)
    await _expect_right(session, access, template, "own")
    restorable.expect_restorable(template)
    version = await version_of(session, template, template.current_version)
    content = content_of(version)
    if template.deleted_at is not None:
        await keeping.expect_room(session, access.workspace_id)
        template.deleted_at = None
        await crud.save(session, template)
        await session.refresh(template)
        await indexing.index(session, template, content, access.user_id)
    return detail(template, content)


async def archive(session: AsyncSession, access: Access, template_id: UUID) -> TemplateDetail:
    """Take it out of use; to publish it puts it back."""
    template = await get(session, access, template_id, to="write", for_update=True)
    await match(session, template)
    template.status = "archived"
    await session.flush()
    await session.refresh(template)
    return await detailed(session, template)


async def duplicate(
    session: AsyncSession, access: Access, template_id: UUID, wanted: TemplateDuplicate
) -> TemplateDetail:
    """A template of the caller's own that says what this one's newest version says."""
    template = await get(session, access, template_id)
    content = content_of(await version_of(session, template, template.current_version))
    sheet = Sheet(
        wanted.name or template.name,
        template.description,
        template.category,
        template.language,
        wanted.visibility,
        wanted.slug,
        template.annotations,
        origin="duplicate",
        note=f"Of {template.slug}, version {template.current_version}.",
    )
    return detail(await keeping.add(session, author_of(access), sheet, content), content)


async def bulk(session: AsyncSession, access: Access, items: list[TemplateBulkItem]) -> BulkResult:
    """Each item on its own: one that fails leaves the others done."""
    acts = {"delete": delete, "restore": restore, "archive": archive}

    async def act(item: TemplateBulkItem) -> UUID:
        await acts[item.action](session, access, item.id)
        return item.id

    return await each(session, items, act)


async def shareable(session: AsyncSession, access: Access, template_id: UUID) -> Shareable:
    """A template that the caller may share; raises TemplateNotFound and TemplateNotYours."""
    found = await get(session, access, template_id, to="own")
    return Shareable(crud.SHARED_AS, found.id)


async def _any(
    session: AsyncSession, access: Access, template_id: UUID, *, for_update: bool
) -> Template:
    """One that the caller sees, a deleted one included."""
    template = await restorable.find(
        session, Template, access.workspace_id, template_id, for_update=for_update
    )
    if template is None or not await crud.is_visible(
        session, access.workspace_id, access.user_id, template_id
    ):
        raise TemplateNotFound
    return template


async def _expect_right(session: AsyncSession, access: Access, template: Template, to: To) -> None:
    is_open = template.visibility == "workspace" or template.owner_id == access.user_id
    if to == "read" or is_open:
        return
    if to == "own":
        raise TemplateNotYours("Ask whoever shares it with you.")
    if await sharing.level_of(session, access, template.id) != "write":
        raise TemplateReadOnly("Ask whoever shares it with you to let you write.")
