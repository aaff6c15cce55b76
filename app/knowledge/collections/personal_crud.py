"""A person's documents, over all workspaces; under SYSTEM."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.knowledge.collections.models import Collection, Document, DocumentVersion
from app.oversight.privacy.people import Person


async def versions(
    session: AsyncSession, person: Person, after: UUID | None, most: int
) -> Sequence[DocumentVersion]:
    """Those of documents that go with them, by their ids, behind one of them."""
    statement = (
        select(DocumentVersion)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(_going(person))
        .order_by(DocumentVersion.id)
        .limit(most)
    )
    if after is not None:
        statement = statement.where(DocumentVersion.id > after)
    return (await session.scalars(statement)).all()


async def delete_some(session: AsyncSession, person: Person, most: int) -> int:
    """Delete some documents that go with a person; says how many."""
    some = select(Document.id).where(_going(person)).limit(most)
    gone = await session.scalars(
        delete(Document).where(Document.id.in_(some)).returning(Document.id)
    )
    return len(gone.all())


async def delete_collections(session: AsyncSession, person: Person) -> None:
    """Delete the collections that nobody but a person sees."""
    await session.execute(delete(Collection).where(_private(person)))


async def count(session: AsyncSession, person: Person) -> int:
    """How many documents and collections are still to go."""
    documents = select(func.count()).select_from(Document).where(_going(person))
    collections = select(func.count()).select_from(Collection).where(_private(person))
    found = await session.scalar(documents), await session.scalar(collections)
    return sum(number or 0 for number in found)


def _theirs(person: Person) -> ColumnElement[bool]:
    return or_(
        Document.created_by_id == person.user_id, Document.workspace_id.in_(person.workspaces)
    )


def _going(person: Person) -> ColumnElement[bool]:
    private = select(Collection.id).where(_private(person))
    return or_(_theirs(person), Document.collection_id.in_(private))


def _private(person: Person) -> ColumnElement[bool]:
    return and_(Collection.owner_id == person.user_id, Collection.visibility == "private")
