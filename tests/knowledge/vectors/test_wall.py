"""Nobody reaches passages in Qdrant but through the wall, which names the workspace."""

import inspect
import re
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.config import Settings
from app.core.vectors import Vectors, VectorsAway
from app.knowledge.vectors.errors import EmbeddingLengthChanged
from app.knowledge.vectors.index import Reach
from app.knowledge.vectors.qdrant import QdrantIndex
from app.knowledge.vectors.spaces import PREFIX, collection_of
from app.knowledge.vectors.wall import Wall
from tests.knowledge.vectors.conftest import keep, point

APP = Path(__file__).parents[3] / "app"
# The cache asks through a filter of its own; privacy walks every collection on purpose.
ASKERS = {
    "core/vectors.py",
    "inference/cache/points.py",
    "inference/cache/semantic.py",
    "knowledge/vectors/asking.py",
    "knowledge/vectors/wall.py",
    "oversight/privacy/qdrant.py",
}
FOR_OPERATORS = {"collections", "space", "everyones", "length", "make"}


def test_no_other_module_has_qdrants_client():
    asking = re.compile(r"qdrant_client|\bvectors\.(asked|client)\(|_vectors\.(asked|client)\(")
    found = {
        str(path.relative_to(APP)) for path in APP.rglob("*.py") if asking.search(path.read_text())
    }
    assert found == ASKERS


def test_every_question_of_the_wall_names_a_workspace_first():
    for name, method in inspect.getmembers(Wall, inspect.isfunction):
        if name.startswith("_") or name in FOR_OPERATORS:
            continue
        assert list(inspect.signature(method).parameters)[1] == "workspace_id", name


def test_the_walls_store_is_its_own(kernel):
    wall = Wall(kernel.vectors)
    assert not any(
        isinstance(value, Vectors) for value in vars(QdrantIndex(kernel.vectors)).values()
    )
    assert [name for name in vars(wall) if not name.startswith("_Wall__")] == []


async def test_a_collection_has_its_tenant_index(kernel, workspace_id, space):
    await keep(kernel, QdrantIndex(kernel.vectors), workspace_id, space, point([1, 0]))
    made = (
        await (await kernel.vectors.client()).get_collection(collection_of(space))
    ).payload_schema
    assert {field for field, index in made.items() if index.params.is_tenant} == {"workspace_id"}
    assert made.keys() == {"workspace_id", "kind", "parent_id", "subject_id", "user_id"}


@given(st.text(max_size=300), st.text(max_size=300))
def test_two_spaces_never_share_a_collection(one, two):
    if one != two:
        assert collection_of(one).lower() != collection_of(two).lower()


@given(st.text(max_size=600))
def test_every_space_makes_a_name_that_qdrant_and_folders_take(space):
    name = collection_of(space)
    assert name.startswith(PREFIX)
    assert re.fullmatch(r"[a-z0-9._-]{1,200}", name)


def test_names_that_could_be_taken_for_escapes_are_told_apart():
    names = ["a_2d", "a-", "a_", "a__", "a_5f", "A", "a", "_41", "", "a" * 300, "a" * 301]
    assert len({collection_of(name) for name in names}) == len(names)


async def test_a_server_that_is_away_is_told_as_such(unused_tcp_port):
    away = Vectors(Settings(_env_file=None, qdrant_url=f"http://127.0.0.1:{unused_tcp_port}"), None)
    index, workspace, space = QdrantIndex(away), uuid4(), "a:model"
    asked = [
        lambda: index.search(workspace, space, [1, 0], [Reach("document")], 5),
        lambda: index.upsert(workspace, space, [point([1, 0])]),
        lambda: index.remove(workspace, space, [uuid4()]),
        lambda: index.count(workspace, space),
        index.spaces,
    ]
    for ask in asked:
        with pytest.raises(VectorsAway):
            await ask()
    await away.close()


async def test_a_collection_that_was_dropped_is_made_again(kernel, workspace_id, space):
    index = QdrantIndex(kernel.vectors)
    await keep(kernel, index, workspace_id, space, point([1, 0]))
    await (await kernel.vectors.client()).delete_collection(collection_of(space))
    with pytest.raises(VectorsAway):
        await index.search(workspace_id, space, [1, 0], [Reach("document")], 5)
    assert await index.search(workspace_id, space, [1, 0], [Reach("document")], 5) == []
    assert await index.upsert(workspace_id, space, [point([1, 0])]) is True
    assert await index.upsert(workspace_id, space, [point([1, 0])]) is False
    assert await index.count(workspace_id, space) == 2


async def test_a_model_that_changes_the_length_of_its_vectors_is_told_as_such(
    kernel, workspace_id, space
):
    """Not as a store that is away, which would be tried for ever; also after a restart."""
    await keep(kernel, QdrantIndex(kernel.vectors), workspace_id, space, point([1, 0]))
    index = QdrantIndex(kernel.vectors)
    with pytest.raises(EmbeddingLengthChanged, match=r"3 numbers; those that are kept have 2\."):
        await index.upsert(workspace_id, space, [point([1, 0, 0])])
    assert await index.count(workspace_id, space) == 1


async def test_the_server_is_asked_with_the_tenant_filter(kernel, workspace_id, space, monkeypatch):
    """Every request about points, as the client is given it."""
    index = QdrantIndex(kernel.vectors)
    client = await kernel.vectors.client()
    own = point([1, 0])
    await keep(kernel, index, workspace_id, space, own)
    seen = {}
    for name in ("query_points", "delete", "count"):

        def watch(real, name=name):
            async def called(*given, **more):
                filters = [*given, *more.values()]
                seen[name] = " ".join(repr(each) for each in filters)
                return await real(*given, **more)

            return called

        monkeypatch.setattr(client, name, watch(getattr(client, name)))
    await index.search(workspace_id, space, [1, 0], [Reach("document", (uuid4(),), uuid4())], 5)
    await index.count(workspace_id, space)
    await index.remove(workspace_id, space, [own.id])
    assert seen.keys() == {"query_points", "delete", "count"}
    first = f"must=[FieldCondition(key='workspace_id', match=MatchValue(value='{workspace_id}')"
    for name, said in seen.items():
        assert first in said, name
