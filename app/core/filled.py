"""Which tables hold anything, asked of Postgres: also of those whose models are not loaded."""

from collections.abc import Collection

from sqlalchemy import literal_column, or_, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession

_NAMES = text(
    "select relname from pg_class where relkind in ('r', 'p') and not relispartition "
    "and relnamespace = current_schema()::regnamespace and has_table_privilege(oid, 'select')"
)
_MIGRATIONS = "alembic_version"


async def tables_beside(session: AsyncSession, known: Collection[str]) -> list[str]:
    """The tables that are none of these, in the order of their names."""
    found = await session.scalars(_NAMES)
    return sorted(set(found) - {*known, _MIGRATIONS})


async def any_filled(session: AsyncSession, names: Collection[str]) -> bool:
    """Whether one of these tables has a row that the session may see."""
    rows = (select(literal_column("1")).select_from(table(name)).exists() for name in names)
    return bool(await session.scalar(select(or_(False, *rows))))
