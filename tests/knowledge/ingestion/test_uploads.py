"""Documents come in as bodies, forms and addresses; what is refused leaves nothing."""

import asyncio
from contextlib import asynccontextmanager

import httpx2
import pytest
from sqlalchemy import select

from app.knowledge.collections.models import Document, DocumentVersion, FileRemoval
from app.knowledge.passages.models import Passage
from tests.knowledge.ingestion.conftest import PROSE


async def left(kernel, app, shelf):
    """All that a workspace has of documents: rows and files."""
    tables = (Document, DocumentVersion, FileRemoval, Passage)
    async with kernel.database.unit(shelf.scope) as session:
        rows = [len((await session.scalars(select(table))).all()) for table in tables]
    return rows, [key async for key in app.state.files.keys(shelf.scope.workspace_id)]


async def test_a_body_is_taken_in_and_found(shelf):
    answer = await shelf.upload()
    made = answer.json()
    assert answer.status_code == 202
    assert answer.headers["x-run-id"] == made["run_id"]
    assert answer.headers["location"] == f"/v1/documents/{made['id']}"
    assert (made["name"], made["size"], made["wanted_version"]) == ("leave.md", len(PROSE), 1)
    ready = await shelf.settled(made["id"])
    assert (ready["status"], ready["current_version"], ready["media_type"]) == (
        "ready", 1, "text/markdown",
    )  # fmt: skip
    chunks = await shelf.chunks(made["id"])
    assert [chunk["heading"] for chunk in chunks] == ["Holidays", "Sickness"]
    assert all(chunk["embedded"] for chunk in chunks)
    text = (await shelf.call("GET", f"/v1/documents/{made['id']}/text")).text
    assert all(chunk["text"] == text[chunk["start"] : chunk["end"]] for chunk in chunks)


async def test_a_form_is_taken_in(shelf):
    files = {"file": ("C:\\docs\\leave.md", PROSE, "text/markdown")}
    answer = await shelf.call("POST", f"{shelf.path}/documents", files=files)
    assert (answer.status_code, answer.json()["name"]) == (202, "leave.md")
    assert (await shelf.settled(answer.json()["id"]))["status"] == "ready"


async def test_a_form_without_a_file_is_refused(shelf):
    answer = await shelf.call("POST", f"{shelf.path}/documents", files={"other": ("a", "b")})
    assert (answer.status_code, answer.json()["code"]) == (422, "upload_invalid")


async def test_a_json_file_is_a_document_like_any_other(shelf):
    answer = await shelf.upload(
        '{"city": "Vienna"}', "places.json", headers={"Content-Type": "application/json"}
    )
    ready = await shelf.settled(answer.json()["id"])
    assert (ready["status"], ready["media_type"]) == ("ready", "application/json")


async def test_a_text_that_curl_sends_without_a_type_is_a_text(shelf):
    answer = await shelf.upload(
        PROSE, "leave.txt", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.json()["media_type"] == "application/octet-stream"
    ready = await shelf.settled(answer.json()["id"])
    assert (ready["status"], ready["media_type"]) == ("ready", "text/plain")


async def test_the_file_comes_back_as_it_was(shelf):
    made = await shelf.add("<script>alert(1)</script> <p>Käse</p>", "böse.html")
    answer = await shelf.call("GET", f"/v1/documents/{made['id']}/content")
    assert answer.content == "<script>alert(1)</script> <p>Käse</p>".encode()
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''b%C3%B6se.html"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_the_same_content_is_refused_by_the_documents_id(shelf):
    made = await shelf.add()
    again = await shelf.upload(name="copy.md")
    assert (again.status_code, again.json()["code"]) == (409, "document_exists")
    assert made["id"] in again.json()["detail"]


async def test_the_same_content_may_be_skipped(shelf, kernel, app):
    made = await shelf.add()
    before = await left(kernel, app, shelf)
    again = await shelf.upload(name="copy.md", on_duplicate="skip")
    assert (again.status_code, again.json()["id"]) == (200, made["id"])
    assert await left(kernel, app, shelf) == before


async def test_the_same_name_may_be_the_next_version(shelf):
    made = await shelf.add()
    again = await shelf.upload("# Holidays\n\nThirty-one days.", on_duplicate="version")
    assert (again.status_code, again.json()["id"]) == (202, made["id"])
    ready = await shelf.settled(made["id"])
    assert (ready["current_version"], ready["wanted_version"]) == (2, 2)
    assert ["Thirty-one" in chunk["text"] for chunk in await shelf.chunks(made["id"])] == [True]


async def test_one_key_takes_a_document_in_once(shelf):
    headers = {"Idempotency-Key": "once"}
    first = await shelf.upload(headers=headers)
    again = await shelf.upload(headers=headers)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-run-id"] == first.headers["x-run-id"]
    other = await shelf.upload("Another.", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_dry_run_says_what_would_be_and_leaves_nothing(shelf, kernel, app):
    answer = await shelf.upload(dry_run="true")
    assert (answer.status_code, answer.headers["dry-run"]) == (202, "true")
    assert await left(kernel, app, shelf) == ([0, 0, 0, 0], [])


async def test_an_empty_file_is_refused(shelf, kernel, app):
    answer = await shelf.upload(b"")
    assert (answer.status_code, answer.json()["code"]) == (422, "document_empty")
    assert await left(kernel, app, shelf) == ([0, 0, 0, 0], [])


async def test_what_says_it_is_too_large_is_refused_unread(shelf, address):
    read = []

    async def pieces():
        for _ in range(200):
            read.append(1)
            yield b"x" * 2**20

    async with httpx2.AsyncClient(base_url=address) as http:
        answer = await http.post(
            f"{shelf.path}/documents",
            content=pieces(),
            headers={**shelf.person.headers, "Content-Length": str(200 * 2**20)},
        )
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_what_turns_out_too_large_leaves_nothing(shelf, kernel, app, monkeypatch):
    smaller = kernel.settings.model_copy(update={"max_document_bytes": 1024 * 1024})
    monkeypatch.setattr(kernel, "settings", smaller)

    async def pieces():
        for _ in range(3):
            yield b"x" * 2**20

    answer = await shelf.call("POST", f"{shelf.path}/documents", content=pieces())
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
    assert await left(kernel, app, shelf) == ([0, 0, 0, 0], [])


async def test_an_upload_larger_than_a_json_body_may_be_is_taken(shelf, settings):
    line = b"A line of a long report about the weather.\n"
    content = line * (settings.max_body_bytes // len(line) + 10)
    answer = await shelf.upload(content, "report.txt", dry_run="true")
    assert answer.status_code == 202, answer.text


@asynccontextmanager
async def site(routes):
    """A small web server: `(status, headers, body)` by path."""

    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status, headers, body = routes[head.split(" ")[1]]
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {status} X\r\n{told}Content-Length: {len(body)}\r\n\r\n".encode())
        writer.write(body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def imported(shelf, url, **query):
    answer = await shelf.call(
        "POST", f"{shelf.path}/documents/import", json={"url": url}, params=query
    )
    assert answer.status_code == 202, answer.text
    return await shelf.settled(answer.json()["id"])


async def test_an_address_is_fetched_over_its_redirects(shelf):
    routes = {
        "/old": (302, {"Location": "/docs/leave.md"}, b""),
        "/docs/leave.md": (200, {"Content-Type": "text/markdown; charset=utf-8"}, PROSE.encode()),
    }
    async with site(routes) as url:
        found = await imported(shelf, f"{url}/old")
    assert (found["status"], found["size"], found["source_url"]) == (
        "ready", len(PROSE), f"{url}/old",
    )  # fmt: skip
    assert len(await shelf.chunks(found["id"])) == 2


async def test_an_address_that_gives_no_document_fails_with_its_code(shelf):
    async with site({"/gone": (404, {}, b"gone")}) as url:
        found = await imported(shelf, f"{url}/gone")
    assert (found["status"], found["error"]["code"]) == ("failed", "fetch_failed")


async def test_an_address_with_known_content_fails_or_is_skipped(shelf):
    known = await shelf.add()
    async with site({"/leave.md": (200, {}, PROSE.encode())}) as url:
        found = await imported(shelf, f"{url}/leave.md")
        assert (found["status"], found["error"]["code"]) == ("failed", "document_exists")
        assert known["id"] in found["error"]["detail"]
        skipped = await shelf.call(
            "POST",
            f"{shelf.path}/documents/import?on_duplicate=skip",
            json={"url": f"{url}/leave.md"},
        )
        run = await shelf.run(skipped.json()["run_id"])
    assert (run["status"], run["result"]["known_document_id"]) == ("completed", known["id"])
    gone = await shelf.call("GET", f"/v1/documents/{skipped.json()['id']}")
    assert gone.status_code == 404


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/x", "https://169.254.169.254/latest", "https://[::1]/", "ftp://a/b"]
)
async def test_addresses_that_are_not_for_the_public_are_refused(shelf, url):
    answer = await shelf.call("POST", f"{shelf.path}/documents/import", json={"url": url})
    assert answer.status_code in (400, 422), answer.text
