"""Qdrant's engine beside the service: what it was told stays, and it answers as a server does."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from qdrant_client import models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse
from qdrant_client.local import payload_filters

from app.core.config import Settings
from app.core.qdrant_engine.collections import Engine, Refused
from app.core.qdrant_engine.rest import answer
from app.core.vectors import VectorsAway, open_vectors
from tests.support.identity import until

ROOT = Path(__file__).parents[2]
SIZE = models.VectorParams(size=2, distance=models.Distance.COSINE)


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, data_dir=tmp_path)


def exists(path: str | Path) -> bool:
    return Path(path).exists()


@pytest_asyncio.fixture(loop_scope="session")
async def vectors(settings):
    opened = open_vectors(settings)
    await (await opened.client()).create_collection("c", vectors_config=SIZE)
    yield opened
    await opened.close()


def process_of(vectors) -> int:
    return vectors._here._process.pid


async def test_it_starts_again_and_has_all_that_it_acknowledged(vectors):
    client, kept = await vectors.client(), set()
    numbers = count(1)

    async def fill():
        while True:
            ids = [next(numbers) for _ in range(20)]
            points = [models.PointStruct(id=n, vector=[1.0, n], payload={"n": n}) for n in ids]
            async with vectors.asked() as asked:
                await asked.upsert("c", points)
            kept.update(ids)

    for seconds in (0.05, 0.11, 0.23):
        filling = asyncio.create_task(fill())
        await asyncio.sleep(seconds)
        os.kill(process_of(vectors), signal.SIGKILL)
        with pytest.raises(VectorsAway):
            await filling

        async def answers():
            try:
                return await client.get_collections()
            except ResponseHandlingException:
                return None

        await until(answers)
        found, _ = await client.scroll("c", limit=100_000)
        assert kept <= {point.id for point in found}
        assert all(point.payload == {"n": point.id} for point in found)
    assert kept


async def test_it_ends_with_its_service_however_that_ends(tmp_path):
    code = """
import asyncio, pathlib, sys
from app.core.qdrant_here import QdrantHere

async def main():
    here = QdrantHere(pathlib.Path(sys.argv[1]))
    await here.start()
    print(here._process.pid, here.socket_path, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    engine, socket = (await service.stdout.readline()).decode().split()

    async def ended():
        return not exists(f"/proc/{engine}") and not exists(Path(socket).parent)

    assert not await ended()
    service.kill()
    await service.wait()
    await until(ended)


async def test_what_was_deleted_leaves_the_files(vectors, tmp_path):
    client = await vectors.client()
    points = [
        models.PointStruct(id=n, vector=[1.0, n], payload={"text": f"unmistakable-{n}."})
        for n in range(1, 4)
    ]
    await client.upsert("c", points)

    def files_with(words: bytes) -> list[str]:
        found = []
        for folder, _, names in os.walk(tmp_path):
            for name in names:
                with suppress(FileNotFoundError):  # they may be written anew just now
                    if words in Path(folder, name).read_bytes():
                        found.append(name)
        return found

    assert files_with(b"unmistakable-2.")
    await client.delete("c", points_selector=models.PointIdsList(points=[2]))

    async def is_gone():
        return not files_with(b"unmistakable-2.")

    await until(is_gone, 20)
    assert files_with(b"unmistakable-1.")
    assert (await client.count("c")).count == 2


async def test_a_collection_is_made_once_described_and_dropped(vectors):
    client = await vectors.client()
    with pytest.raises(UnexpectedResponse, match="already exists"):
        await client.create_collection("c", vectors_config=SIZE)
    tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    await client.create_payload_index("c", "workspace_id", tenant)
    await client.create_payload_index("c", "kind", models.PayloadSchemaType.KEYWORD)
    told = await client.get_collection("c")
    assert told.config.params.vectors.size == 2
    assert told.payload_schema["workspace_id"].params.is_tenant is True
    assert told.payload_schema["kind"].params.is_tenant is False
    await client.delete_collection("c")
    assert not await client.collection_exists("c")
    assert (await client.get_collections()).collections == []
    await client.create_collection("c", vectors_config=SIZE)
    assert (await client.count("c")).count == 0


async def test_what_it_does_not_know_is_refused_and_never_widened(vectors):
    client = await vectors.client()
    await client.upsert("c", [models.PointStruct(id=1, vector=[1.0, 0.0])])
    one = models.FieldCondition(key="a", match=models.MatchValue(value="x"))
    least = models.Filter(min_should=models.MinShould(conditions=[one], min_count=1))
    text = models.Filter(must=[models.FieldCondition(key="a", match=models.MatchText(text="x"))])
    for wanted in (least, text):
        with pytest.raises(UnexpectedResponse, match="400"):
            await client.query_points("c", query=[1.0, 0.0], query_filter=wanted)
    with pytest.raises(UnexpectedResponse, match="vector of 2"):
        await client.query_points("c", query=[1.0, 0.0, 0.0])
    with pytest.raises(UnexpectedResponse, match="404"):
        await client.retrieve("c", [1])


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.sampled_from(["x", "y", "z"])
STRANGE = st.one_of(st.none(), st.booleans(), st.floats(0, 3), st.lists(VALUES, max_size=2))
PAYLOADS = st.lists(st.dictionaries(NAMES, VALUES | STRANGE), max_size=12)
FIELDS = st.builds(
    lambda key, rule: models.FieldCondition(key=key, **rule),
    NAMES,
    st.one_of(
        st.builds(lambda value: {"match": models.MatchValue(value=value)}, VALUES),
        st.builds(
            lambda some: {"match": models.MatchAny(any=some)},
            st.lists(VALUES, min_size=1, max_size=3),
        ),
        st.builds(lambda least: {"range": models.Range(gte=least)}, st.floats(0, 3)),
    ),
)
IDS = st.builds(
    lambda ids: models.HasIdCondition(has_id=ids), st.lists(st.integers(0, 12), min_size=1)
)


def filters(conditions):
    some = st.none() | st.lists(conditions, min_size=1, max_size=3)
    return st.builds(
        lambda must, should, without: models.Filter(must=must, should=should, must_not=without),
        some,
        some,
        st.none() | st.lists(conditions, min_size=1, max_size=1),
    )


FILTERS = st.none() | filters(FIELDS | IDS | filters(FIELDS | IDS))


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    opened = Engine(tmp_path_factory.mktemp("engine"))
    answer(opened, "PUT", "/collections/f", {"vectors": {"size": 1, "distance": "Dot"}})
    yield opened
    opened.close()


@given(PAYLOADS, FILTERS)
def test_a_filter_lets_through_what_qdrants_other_engine_does(engine, payloads, wanted):
    """Its Python client has an engine of its own, which says what a filter means."""
    everything = {"filter": {"must": [{"has_id": list(range(20))}]}}
    answer(engine, "POST", "/collections/f/points/delete", everything)
    ids = [n for n, _ in zip(count(), payloads, strict=False)]
    points = [
        {"id": n, "vector": [1.0], "payload": payload}
        for n, payload in zip(ids, payloads, strict=True)
    ]
    answer(engine, "PUT", "/collections/f/points", {"points": points})
    given = None if wanted is None else wanted.model_dump(exclude_unset=True)
    page = answer(engine, "POST", "/collections/f/points/scroll", {"filter": given, "limit": 50})
    deleted = {"": np.zeros(len(payloads), dtype=bool)}
    expected = payload_filters.calculate_payload_mask(payloads, wanted, ids, deleted)
    assert [each["id"] for each in page["points"]] == np.flatnonzero(expected).tolist()


@pytest.mark.parametrize("name", ["..", ".", "a b", "x" * 201])
def test_a_name_that_leads_out_of_the_folder_is_refused(engine, name):
    with pytest.raises(Refused):
        engine.make(name, 2, "Cosine")
    with pytest.raises(Refused):
        engine.collection(name)


def test_a_making_that_was_cut_short_is_made_anew(tmp_path):
    (tmp_path / "c" / "points").mkdir(parents=True)
    (tmp_path / "c" / "points" / "half").write_text("written")
    engine = Engine(tmp_path)
    assert engine.names() == []
    with pytest.raises(Refused):
        engine.collection("c")
    engine.make("c", 2, "Cosine")
    assert engine.names() == ["c"]
    engine.close()


def test_what_the_clients_stand_in_kept_is_deleted(tmp_path):
    kept = tmp_path / "collection" / "passages" / "storage.sqlite"
    kept.parent.mkdir(parents=True)
    kept.write_text("vectors")
    (tmp_path / "meta.json").write_text("{}")
    engine = Engine(tmp_path)
    assert list(tmp_path.iterdir()) == []
    engine.make("collection", 2, "Cosine")
    engine.close()
    assert Engine(tmp_path).names() == ["collection"]
