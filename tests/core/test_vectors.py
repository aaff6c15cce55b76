"""Qdrant is opened where it is first used, and its folder is nobody else's before that."""

import asyncio

import httpx2
import pytest
from pydantic import SecretStr
from qdrant_client import models

from app.core.config import InvalidSettings, Settings
from app.core.vectors import VectorsAway, open_vectors

QUESTION = 1.0, 0.0


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, data_dir=tmp_path)


async def test_a_local_store_answers_before_it_is_opened_and_after(settings, tmp_path):
    vectors = open_vectors(settings)
    await vectors.ping()
    assert not (tmp_path / "qdrant" / "engine.lock").exists()
    first, second = await asyncio.gather(vectors.client(), vectors.client())
    assert first is second
    await vectors.ping()
    assert (tmp_path / "qdrant" / "engine.lock").exists()
    await vectors.close()


async def test_what_was_stored_is_there_after_the_next_start(settings):
    size = models.VectorParams(size=2, distance=models.Distance.COSINE)
    before = open_vectors(settings)
    async with before.asked() as client:
        await client.create_collection("c", vectors_config=size)
        await client.upsert("c", [models.PointStruct(id=1, vector=list(QUESTION))])
    await before.close()
    after = open_vectors(settings)
    async with after.asked() as client:
        found = await client.query_points("c", query=list(QUESTION))
    assert [point.id for point in found.points] == [1]
    await after.close()


async def test_a_folder_has_one_owner_though_nobody_has_opened_it(settings):
    vectors = open_vectors(settings)
    with pytest.raises(InvalidSettings, match="is open in another process"):
        open_vectors(settings)
    await vectors.close()
    await open_vectors(settings).close()


def test_a_folder_that_cannot_be_made_is_told_plainly(settings, tmp_path):
    (tmp_path / "qdrant").write_text("a file")
    with pytest.raises(InvalidSettings, match=r"cannot be used \(File exists\)"):
        open_vectors(settings)


async def test_a_collection_that_is_missing_is_told_as_away(settings):
    vectors = open_vectors(settings)
    with pytest.raises(VectorsAway):
        async with vectors.asked() as client:
            await client.query_points("none", query=list(QUESTION))
    with pytest.raises(KeyError):
        async with vectors.asked():
            raise KeyError("ours")
    await vectors.close()


@pytest.fixture
async def server():
    """Answers as Qdrant does, to those with the key; gives its port and what it was asked."""
    asked = []

    async def answer(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head.partition(" HTTP")[0])
        status = "200 OK" if "api-key: secret" in head.lower() else "401 Unauthorized"
        body = '{"result":{"collections":[]},"status":"ok","time":0.0}'
        length = f"content-length: {len(body)}"
        writer.write(f"HTTP/1.1 {status}\r\n{length}\r\nconnection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1], asked


async def test_a_server_is_asked_without_its_big_client(server, settings):
    port, asked = server
    there = settings.model_copy(
        update={"qdrant_url": f"http://127.0.0.1:{port}/q/", "qdrant_api_key": SecretStr("secret")}
    )
    vectors = open_vectors(there)
    await vectors.ping()
    assert asked == ["GET /q/collections"]
    await vectors.close()
    strange = open_vectors(there.model_copy(update={"qdrant_api_key": SecretStr("wrong")}))
    with pytest.raises(httpx2.HTTPStatusError):
        await strange.ping()
    await strange.close()


async def test_a_server_that_is_gone_does_not_answer(settings):
    vectors = open_vectors(settings.model_copy(update={"qdrant_url": "http://127.0.0.1:1"}))
    with pytest.raises(httpx2.ConnectError):
        await vectors.ping()
    await vectors.close()
