"""Both stores of vectors, and passages for them to be beside."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.core.db import SYSTEM
from app.core.ids import new_id
from app.identity.workspaces.models import Workspace
from app.knowledge.passages.models import Passage
from app.knowledge.vectors.index import Point, VectorIndex
from app.knowledge.vectors.pgvector import PgVectorIndex
from app.knowledge.vectors.qdrant import QdrantIndex


@pytest.fixture(params=["qdrant", "pgvector"])
def index(request, kernel) -> VectorIndex:
    if request.param == "qdrant":
        return QdrantIndex(kernel.vectors)
    return PgVectorIndex(kernel.database)


@pytest.fixture
def space() -> str:
    """One that no other test uses."""
    return f"{uuid4()}:model"


@pytest_asyncio.fixture(loop_scope="session")
async def workspace_id(kernel) -> UUID:
    return (await new_workspaces(kernel, 1))[0]


async def new_workspaces(kernel, count: int) -> list[UUID]:
    made = [Workspace(id=new_id(), name="W") for _ in range(count)]
    async with kernel.database.unit(SYSTEM) as session:
        session.add_all(made)
    return [each.id for each in made]


def point(vector: Sequence[float], kind: str = "document", **more: UUID | None) -> Point:
    length = sum(each * each for each in vector) ** 0.5
    return Point(
        more.pop("id", None) or new_id(),
        [each / length for each in vector],
        kind,
        more.pop("subject_id", None) or new_id(),
        **more,
    )


async def keep(kernel, index: VectorIndex, workspace_id: UUID, space: str, *points: Point) -> None:
    """Have passages, and their vectors in the index."""
    async with kernel.database.unit(SYSTEM) as session:
        session.add_all(passage(workspace_id, each) for each in points)
    await index.upsert(workspace_id, space, points)


def passage(workspace_id: UUID, of: Point) -> Passage:
    return Passage(
        id=of.id,
        workspace_id=workspace_id,
        kind=of.kind,
        parent_id=of.parent_id,
        subject_id=of.subject_id,
        user_id=of.user_id,
        created_by_id=new_id(),
        ordinal=0,
        title="",
        heading="",
        text="",
        locator={},
        config="simple",
        content_sha256=b"",
    )
