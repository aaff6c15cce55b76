"""The run that takes a document in: its events, its failures, its patience."""

import asyncio
import io
import zipfile

import pytest
from sqlalchemy import delete, select

from app.core.db import SYSTEM
from app.knowledge.collections.models import Document
from app.knowledge.collections.removing import remove_files
from app.runs.runs.models import Run
from tests.knowledge.ingestion.conftest import PROSE, new_shelf


async def test_a_run_tells_its_steps(shelf):
    made = (await shelf.upload()).json()
    run = await shelf.run(made["run_id"])
    assert (run["status"], run["result"]["status"]) == ("completed", "ready")
    told = await shelf.events(made["run_id"])
    steps = [each for each in told if each[0].startswith("step.")]
    assert steps == [
        (f"step.{what}", step)
        for step in ("parse", "index", "embed")
        for what in ("started", "completed")
    ]
    assert told[-1][0] == "run.completed"


def bomb():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"<a/>" + b" " * 50_000_000)
    return packed.getvalue()


HOSTILE = {
    "bomb.docx": (bomb, {"document_unsafe", "document_unreadable"}),
    "broken.pdf": (lambda: b"%PDF-1.7 nothing of the kind", {"document_unreadable"}),
    "picture.png": (lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 50, {"unsupported_document"}),
    "blank.txt": (lambda: b" \n\t ", {"no_text_found", "document_empty"}),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_cannot_be_taken_in_says_why_and_leaves_nothing_to_be_found(shelf, kernel, name):
    content, codes = HOSTILE[name]
    made = (await shelf.upload(content(), name)).json()
    found = await shelf.settled(made["id"])
    assert (found["status"], found["current_version"]) == ("failed", None)
    assert found["error"]["code"] in codes
    run = await shelf.run(made["run_id"])
    assert (run["status"], run["error"]["code"]) == ("failed", found["error"]["code"])
    assert ("step.failed", "parse") in await shelf.events(made["run_id"])
    assert await shelf.passages(kernel) == 0


async def test_a_failed_document_can_be_sent_and_tried_again(shelf):
    made = (await shelf.upload(b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "a.png")).json()
    await shelf.settled(made["id"])
    again = await shelf.call("POST", f"/v1/documents/{made['id']}/ingest")
    assert again.status_code == 202
    assert again.json()["run_id"] != made["run_id"]
    assert (await shelf.settled(made["id"]))["status"] == "failed"
    twice = await shelf.upload(b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "a.png")
    assert twice.status_code == 202


async def test_a_version_that_fails_leaves_the_one_before_it(shelf):
    made = await shelf.add()
    await shelf.version(made["id"], b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "a.png")
    found = await shelf.settled(made["id"])
    assert (found["status"], found["current_version"], found["wanted_version"]) == ("ready", 1, 1)
    assert found["sha256"] == made["sha256"]
    assert len(await shelf.chunks(made["id"])) == 2
    versions = (await shelf.call("GET", f"/v1/documents/{made['id']}/versions")).json()["data"]
    assert [(each["number"], each["status"]) for each in versions] == [(2, "failed"), (1, "ready")]
    assert versions[0]["error"]["code"] == "unsupported_document"


async def test_while_the_vector_store_is_away_a_document_is_found_by_words_and_goes_on_by_itself(
    shelf, vectors
):
    made = (await shelf.upload()).json()
    for _ in range(600):
        if vectors["asked"] >= 2:
            break
        await asyncio.sleep(0.05)
    assert (await shelf.show(made["id"]))["status"] == "processing"
    assert [chunk["embedded"] for chunk in await shelf.chunks(made["id"])] == [False, False]
    vectors["away"] = False
    assert (await shelf.settled(made["id"]))["status"] == "ready"
    assert all(chunk["embedded"] for chunk in await shelf.chunks(made["id"]))
    assert ("step.retrying", "embed") in await shelf.events(made["run_id"])


async def test_a_cancelled_document_is_not_found(shelf, kernel, vectors):
    made = (await shelf.upload()).json()
    for _ in range(600):
        if vectors["asked"]:
            break
        await asyncio.sleep(0.05)
    await shelf.call("POST", f"/v1/runs/{made['run_id']}/cancel")
    found = await shelf.settled(made["id"])
    assert (found["status"], found["error"]["code"]) == ("failed", "ingestion_cancelled")
    assert await shelf.passages(kernel) == 0
    vectors["away"] = False
    await shelf.call("POST", f"/v1/documents/{made['id']}/ingest")
    assert (await shelf.settled(made["id"]))["status"] == "ready"


async def test_a_document_deleted_under_way_leaves_nothing_to_be_found(shelf, kernel, vectors):
    made = (await shelf.upload()).json()
    for _ in range(600):
        if vectors["asked"]:
            break
        await asyncio.sleep(0.05)
    await shelf.call("DELETE", f"/v1/documents/{made['id']}")
    assert (await shelf.run(made["run_id"]))["status"] == "cancelled"
    assert await shelf.passages(kernel) == 0
    vectors["away"] = False
    back = await shelf.call("POST", f"/v1/documents/{made['id']}/restore")
    assert back.status_code == 200
    assert (await shelf.settled(made["id"]))["status"] == "ready"
    assert len(await shelf.chunks(made["id"])) == 2


async def test_ten_documents_at_once_are_all_taken_in_a_few_at_a_time(client, app):
    shelf = await new_shelf(client)
    answers = await asyncio.gather(
        *(shelf.upload(f"{PROSE}\nNumber {n}.", f"{n}.md") for n in range(10))
    )
    assert {answer.status_code for answer in answers} == {202}
    found = await asyncio.gather(*(shelf.settled(answer.json()["id"]) for answer in answers))
    assert {each["status"] for each in found} == {"ready"}
    assert (await shelf.call("GET", shelf.path)).json()["document_count"] == 10


async def test_the_same_file_sent_ten_times_at_once_is_one_document(client):
    shelf = await new_shelf(client)
    answers = await asyncio.gather(*(shelf.upload(name=f"{n}.md") for n in range(10)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 9


async def test_earlier_versions_come_back(shelf):
    made = await shelf.add()
    await shelf.version(made["id"], "# Leave\n\nThirty-one days.")
    await shelf.settled(made["id"])
    back = await shelf.call("POST", f"/v1/documents/{made['id']}/versions/1/restore")
    assert back.status_code == 202
    found = await shelf.settled(made["id"])
    assert (found["current_version"], found["sha256"]) == (1, made["sha256"])
    assert len(await shelf.chunks(made["id"])) == 2
    second = await shelf.call("GET", f"/v1/documents/{made['id']}/content?number=2")
    assert b"Thirty-one" in second.content


async def test_a_renamed_document_is_found_by_its_new_name(shelf, app, kernel):
    made = await shelf.add("Thirty days a year.", "leave.txt")
    renamed = await shelf.call("PATCH", f"/v1/documents/{made['id']}", json={"name": "Zugspitze"})
    assert renamed.status_code == 200
    found = await shelf.call("POST", "/v1/search", json={"query": "Zugspitze", "mode": "lexical"})
    assert [each["title"] for each in found.json()["data"]] == ["Zugspitze"]
    await app.state.knowledge.indexer.catch_up()
    (before,) = await shelf.chunks(made["id"])
    again = await shelf.call("POST", f"/v1/documents/{made['id']}/ingest")
    await shelf.run(again.json()["run_id"])
    assert await shelf.chunks(made["id"]) == [{**before, "embedded": True}]


async def test_what_is_read_of_a_document_that_is_gone_by_then_goes_as_well(
    shelf, app, kernel, monkeypatch
):
    files, put, workspace_id = app.state.files, app.state.files.put, shelf.scope.workspace_id

    async def put_late(key, *rest, **more):
        if key.startswith(str(workspace_id)) and key.endswith("parsed"):
            async with kernel.database.unit(SYSTEM) as session:
                gone = delete(Document).where(Document.workspace_id == workspace_id)
                await session.execute(gone)
            await remove_files(kernel.database, files)
        return await put(key, *rest, **more)

    monkeypatch.setattr(files, "put", put_late)
    made = (await shelf.upload()).json()
    run = await shelf.run(made["run_id"])
    assert (run["status"], run["error"]["code"]) == ("failed", "document_gone")
    await remove_files(kernel.database, files)
    assert [key async for key in files.keys(workspace_id)] == []


async def test_chunk_rules_are_tried_without_being_kept(shelf):
    made = await shelf.add("# A\n\n" + "One sentence after another. " * 80, "long.md")
    before = await shelf.chunks(made["id"])
    tried = await shelf.call(
        "POST",
        f"{shelf.path}/chunk-preview",
        json={"document_id": made["id"], "chunking": {"tokens": 40, "overlap": 0}, "limit": 3},
    )
    assert tried.status_code == 200, tried.text
    assert tried.json()["total"] > len(before)
    assert len(tried.json()["data"]) == 3
    assert await shelf.chunks(made["id"]) == before


@pytest.mark.parametrize("write", [("POST", "/ingest", 202), ("DELETE", "", 204)])
async def test_a_write_does_not_wait_for_a_run_whose_end_waits_for_it(
    shelf, kernel, vectors, write
):
    """A run that ends holds itself, then its document; a write, its document, then the run."""
    method, more, status = write
    made = (await shelf.upload()).json()
    async with kernel.database.unit(shelf.scope) as session:
        await session.execute(select(Run.id).where(Run.id == made["run_id"]).with_for_update())
        async with asyncio.timeout(20):
            answer = await shelf.call(method, f"/v1/documents/{made['id']}{more}")
        assert answer.status_code == status, answer.text
    vectors["away"] = False
    assert (await shelf.run(made["run_id"]))["status"] == "cancelled"
