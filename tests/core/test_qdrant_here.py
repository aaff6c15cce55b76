"""Qdrant's local engine: beside the loop, and with a filter that does what its own does."""

import asyncio
import threading
from itertools import count

import numpy as np
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from qdrant_client import models
from qdrant_client.local import local_collection, payload_filters

from app.core.qdrant_here import Matching, QdrantHere

SIZE = models.VectorParams(size=2, distance=models.Distance.COSINE)
LONGEST = 30  # seconds, for a thread that nobody frees


@pytest_asyncio.fixture(loop_scope="session")
async def engine(tmp_path):
    client = QdrantHere(tmp_path)
    await client.create_collection("c", vectors_config=SIZE)
    yield client
    await client.close()


async def test_the_loop_goes_on_while_the_engine_works(engine, monkeypatch):
    free = threading.Event()
    monkeypatch.setattr(engine._client, "count", lambda _: free.wait(LONGEST))
    counting = asyncio.create_task(engine.count("c"))
    await asyncio.sleep(0)
    free.set()
    assert await counting is True


async def test_one_call_follows_the_other_in_one_thread(engine, monkeypatch):
    monkeypatch.setattr(engine._client, "scroll", lambda _: threading.get_ident())
    threads = set(await asyncio.gather(*(engine.scroll("c") for _ in range(50))))
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


async def test_what_was_asked_before_the_end_is_done(tmp_path):
    engine = QdrantHere(tmp_path)
    await engine.create_collection("c", vectors_config=SIZE)
    points = [models.PointStruct(id=n, vector=[1.0, n]) for n in range(200)]
    kept = asyncio.create_task(engine.upsert("c", points))
    await asyncio.sleep(0)
    await engine.close()
    await kept
    with pytest.raises(RuntimeError):
        await engine.count("c")
    again = QdrantHere(tmp_path)
    assert (await again.count("c")).count == 200
    await again.close()


async def test_many_deletions_empty_the_log_once(engine):
    points = [models.PointStruct(id=n, vector=[1.0, n]) for n in range(50)]
    await engine.upsert("c", points)
    said = []
    engine._client._client.collections["c"].storage.storage.set_trace_callback(said.append)
    await engine.delete("c", points_selector=list(range(40)))
    assert sum("wal_checkpoint" in each for each in said) == 1
    assert (await engine.count("c")).count == 10


def test_the_engine_uses_our_filter():
    """An update of it could bring its own back."""
    assert "app.core" in local_collection.calculate_payload_mask.__module__


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.sampled_from(["x", "y", "z"])
STRANGE = st.one_of(st.none(), st.booleans(), st.floats(0, 3), st.lists(VALUES, max_size=2))
PAYLOADS = st.lists(st.dictionaries(NAMES, VALUES | STRANGE), max_size=12)
FIELDS = st.builds(
    lambda key, rule: models.FieldCondition(key=key, **rule),
    NAMES,
    st.one_of(
        st.builds(lambda value: {"match": models.MatchValue(value=value)}, VALUES),
        st.builds(lambda some: {"match": models.MatchAny(any=some)}, st.lists(VALUES, max_size=3)),
        st.builds(lambda least: {"range": models.Range(gte=least)}, st.floats(0, 3)),
    ),
)
IDS = st.builds(lambda ids: models.HasIdCondition(has_id=ids), st.lists(st.integers(0, 12)))


def filters(conditions):
    some = st.none() | st.lists(conditions, max_size=3)
    return st.builds(
        lambda must, should, without: models.Filter(must=must, should=should, must_not=without),
        some,
        some,
        st.none() | st.lists(conditions, max_size=1),
    )


FILTERS = st.none() | filters(FIELDS | IDS | filters(FIELDS | IDS))


@given(PAYLOADS, FILTERS)
def test_our_filter_lets_through_what_the_engines_own_does(payloads, wanted):
    ids = [n for n, _ in zip(count(), payloads, strict=False)]
    deleted = {"": np.zeros(len(payloads), dtype=bool)}
    own = payload_filters.calculate_payload_mask(payloads, wanted, ids, deleted)
    assert Matching(payloads, ids, deleted).mask(wanted).tolist() == own.tolist()
