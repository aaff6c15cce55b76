"""Templates in Postgres: those of the workspace, one's own, and those shared with one."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.runtime.models import Execution
from app.agents.templates.errors import TemplateSlugTaken
from app.agents.templates.models import (
    Template,
    TemplateInstance,
    TemplateUsage,
    TemplateVersion,
)
from app.agents.templates.schemas import TemplateQuery, TemplateVersionQuery
from app.core import restorable
from app.core.clock import now
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.identity.sharing.reach import shared_with
from app.oversight.privacy.people import Person

SHARED_AS: Final = "template"
FILTERS: Final = ("kind", "category", "status", "language", "visibility", "pack")


def visible(workspace_id: UUID, user_id: UUID) -> ColumnElement[bool]:
    """Which templates of a workspace a member sees."""
    return or_(
        Template.visibility == "workspace",
        Template.owner_id == user_id,
        Template.id.in_(shared_with(workspace_id, user_id, SHARED_AS)),
    )


def _open(user_id: UUID) -> ColumnElement[bool]:
    """Which templates a member may write, without a share."""
    return or_(Template.visibility == "workspace", Template.owner_id == user_id)


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    query: TemplateQuery,
    cursors: Cursors,
) -> Slice[Template]:
    """Newest first."""
    wanted = [visible(workspace_id, user_id)]
    asked = {name: getattr(query, name) for name in FILTERS}
    wanted += [
        getattr(Template, name) == value for name, value in asked.items() if value is not None
    ]
    if query.q is not None:
        wanted.append(Template.name.icontains(query.q, autoescape=True))
    return await restorable.page(session, Template, workspace_id, query, cursors, *wanted)


async def is_visible(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, template_id: UUID
) -> bool:
    statement = select(Template.id).where(
        Template.workspace_id == workspace_id,
        Template.id == template_id,
        visible(workspace_id, user_id),
    )
    return await session.scalar(statement) is not None


async def visible_ids(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    among: Sequence[UUID] | None = None,
) -> set[UUID]:
    """The living templates that a member sees, or those of some."""
    statement = (
        restorable.living(Template, workspace_id)
        .with_only_columns(Template.id)
        .where(visible(workspace_id, user_id))
    )
    if among is not None:
        statement = statement.where(Template.id.in_(among))
    return set((await session.scalars(statement)).all())


async def take_turn(session: AsyncSession, workspace_id: UUID) -> None:
    """Until the transaction ends nobody else installs or imports in this workspace.

    Of two that find nothing of a pack or a source, each would add it.
    """
    name = f"templates:{workspace_id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def of_pack(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, pack: str
) -> dict[str, Template]:
    """The living templates that were installed from a pack, by their entries."""
    statement = (
        restorable.living(Template, workspace_id)
        .where(Template.pack == pack, _open(user_id))
        .order_by(Template.id.desc())
        .with_for_update()
    )
    return {each.pack_entry or "": each for each in await session.scalars(statement)}


async def of_source(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, source_id: str
) -> Template | None:
    """The living template that was imported from there."""
    statement = (
        restorable.living(Template, workspace_id)
        .where(Template.source_id == source_id, _open(user_id))
        .order_by(Template.id)
        .limit(1)
        .with_for_update()
    )
    found: Template | None = await session.scalar(statement)
    return found


async def of_slug(session: AsyncSession, workspace_id: UUID, slug: str) -> UUID | None:
    """The id of the living template that is called so."""
    statement = (
        restorable.living(Template, workspace_id)
        .with_only_columns(Template.id)
        .where(Template.slug == slug)
    )
    found: UUID | None = await session.scalar(statement)
    return found


async def save(session: AsyncSession, template: Template) -> None:
    """Store a new or changed one; raises TemplateSlugTaken."""
    slug = template.slug
    try:
        async with session.begin_nested():
            session.add(template)
            await session.flush()
    except IntegrityError as error:
        raise TemplateSlugTaken(f"`{slug}` is in use here.") from error


async def add(session: AsyncSession, *rows: TemplateVersion | TemplateInstance) -> None:
    session.add_all(rows)
    await session.flush()


async def version(
    session: AsyncSession, workspace_id: UUID, template_id: UUID, number: int
) -> TemplateVersion | None:
    found: TemplateVersion | None = await session.scalar(
        select(TemplateVersion).where(
            TemplateVersion.workspace_id == workspace_id,
            TemplateVersion.template_id == template_id,
            TemplateVersion.number == number,
        )
    )
    return found


async def versions(
    session: AsyncSession,
    workspace_id: UUID,
    template_id: UUID,
    query: TemplateVersionQuery,
    cursors: Cursors,
) -> Slice[TemplateVersion]:
    """Newest first."""
    statement = select(TemplateVersion).where(
        TemplateVersion.workspace_id == workspace_id, TemplateVersion.template_id == template_id
    )
    return await fetch_page(
        session,
        statement,
        Keyset(TemplateVersion.number, TemplateVersion.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(template_id),
    )


async def all_versions(
    session: AsyncSession, workspace_id: UUID, template_id: UUID
) -> Sequence[TemplateVersion]:
    """Oldest first."""
    statement = (
        select(TemplateVersion)
        .where(
            TemplateVersion.workspace_id == workspace_id,
            TemplateVersion.template_id == template_id,
        )
        .order_by(TemplateVersion.number)
    )
    return (await session.scalars(statement)).all()


async def count_use(
    session: AsyncSession, workspace_id: UUID, version_id: UUID, column: str
) -> None:
    """Count one more use of a version: `renders`, `previews` or `instantiations`."""
    moment = now()
    counter = TemplateUsage.__table__.c[column]
    statement = insert(TemplateUsage).values(
        version_id=version_id, workspace_id=workspace_id, last_used_at=moment, **{column: 1}
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[TemplateUsage.version_id],
            set_={column: counter + 1, "last_used_at": moment},
        )
    )


async def usage(
    session: AsyncSession, workspace_id: UUID, template_id: UUID, most: int
) -> list[dict[str, object]]:
    """How often each version was used, the newest first."""
    versions_of_it = select(TemplateVersion.id).where(
        TemplateVersion.workspace_id == workspace_id, TemplateVersion.template_id == template_id
    )
    made = (
        select(
            TemplateInstance.version_id,
            func.count(func.distinct(TemplateInstance.agent_id)).label("agents"),
            func.count(func.distinct(TemplateInstance.workflow_id)).label("workflows"),
            func.count(func.distinct(Execution.id)).label("runs"),
        )
        .outerjoin(
            Execution,
            (Execution.agent_id == TemplateInstance.agent_id)
            & (Execution.workspace_id == workspace_id),
        )
        .where(
            TemplateInstance.workspace_id == workspace_id,
            TemplateInstance.version_id.in_(versions_of_it),
        )
        .group_by(TemplateInstance.version_id)
        .subquery()
    )
    counts = (TemplateUsage.renders, TemplateUsage.previews, TemplateUsage.instantiations)
    statement = (
        select(
            TemplateVersion.number,
            *(func.coalesce(each, 0).label(each.key) for each in counts),
            *(
                func.coalesce(made.c[each], 0).label(each)
                for each in ("agents", "workflows", "runs")
            ),
            TemplateUsage.last_used_at,
        )
        .outerjoin(TemplateUsage, TemplateUsage.version_id == TemplateVersion.id)
        .outerjoin(made, made.c.version_id == TemplateVersion.id)
        .where(
            TemplateVersion.workspace_id == workspace_id,
            TemplateVersion.template_id == template_id,
        )
        .order_by(TemplateVersion.number.desc())
        .limit(most)
    )
    return [dict(row) for row in (await session.execute(statement)).mappings()]


async def delete_private(session: AsyncSession, person: Person, most: int) -> int:
    """Delete some templates that nobody but a person sees; says how many. Under SYSTEM."""
    some = select(Template.id).where(*_private(person)).limit(most)
    gone = await session.scalars(
        delete(Template).where(Template.id.in_(some)).returning(Template.id)
    )
    return len(gone.all())


async def count_private(session: AsyncSession, person: Person) -> int:
    """How many of those are still there. Under SYSTEM."""
    counted = select(func.count()).select_from(Template).where(*_private(person))
    return await session.scalar(counted) or 0


def _private(person: Person) -> tuple[ColumnElement[bool], ...]:
    return (Template.owner_id == person.user_id, Template.visibility == "private")
