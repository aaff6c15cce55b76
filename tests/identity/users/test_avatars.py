"""Pictures of people: taken by decoding, drawn anew, shown to those they work with."""

import io
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from PIL import Image
from sqlalchemy import text

from app.core.db import SYSTEM
from tests.support.identity import new_person


def drawn(kind, size=(40, 30), **more):
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, kind, **more)
    return file.getvalue()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(app, address):
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        return await new_person(http), await new_person(http)


async def put(client, person, content):
    return await client.put("/v1/me/avatar", content=content, headers=person.headers)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_picture_is_shown_as_webp_of_bounded_size(client, people, kind):
    answer = await put(client, people[0], drawn(kind, (1600, 800)))
    assert answer.status_code == 200, answer.text
    shown = await client.get(answer.json()["avatar_url"], headers=people[0].headers)
    assert shown.headers["content-type"] == "image/webp"
    assert shown.headers["x-content-type-options"] == "nosniff"
    with Image.open(io.BytesIO(shown.content)) as picture:
        assert picture.size == (512, 256)
    current = {**people[0].headers, "If-None-Match": shown.headers["etag"]}
    assert (await client.get("/v1/me/avatar", headers=current)).status_code == 304


async def test_what_a_file_tells_besides_is_not_kept(client, people):
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    await put(client, people[0], drawn("JPEG", exif=exif.tobytes()))
    shown = await client.get("/v1/me/avatar", headers=people[0].headers)
    assert b"taken at home" not in shown.content
    with Image.open(io.BytesIO(shown.content)) as picture:
        assert not picture.getexif()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        drawn("PNG")[:60],
        drawn("GIF"),
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        drawn("PNG", (5000, 4000)),
    ],
)
async def test_what_is_no_picture_is_refused(client, people, content):
    answer = await put(client, people[0], content)
    assert (answer.status_code, answer.json()["code"]) == (422, "picture_refused")


async def test_a_large_file_is_refused(client, people):
    answer = await put(client, people[0], b"x" * (1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_those_who_share_a_workspace_see_it_and_others_do_not(client, kernel, people):
    one, other = people
    await put(client, one, drawn("PNG"))
    path = f"/v1/users/{one.user_id}/avatar"
    strange = await client.get(path, headers=other.headers)
    assert (strange.status_code, strange.json()["code"]) == (404, "avatar_not_found")
    made = await client.post("/v1/workspaces", json={"name": "Team"}, headers=one.headers)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            text(
                "insert into memberships (id, workspace_id, user_id, role) "
                "values (gen_random_uuid(), :workspace, :user, 'viewer')"
            ),
            {"workspace": UUID(made.json()["id"]), "user": UUID(other.user_id)},
        )
    there = {**other.headers, "X-Workspace-Id": made.json()["id"]}
    assert (await client.get(path, headers=there)).status_code == 200
    assert (await client.get(path, headers=other.headers)).status_code == 404


async def test_a_picture_can_be_removed(client, people):
    await put(client, people[0], drawn("PNG"))
    for _ in range(2):
        gone = await client.delete("/v1/me/avatar", headers=people[0].headers)
        assert gone.status_code == 204
    assert (await client.get("/v1/me/avatar", headers=people[0].headers)).status_code == 404
    me = await client.get("/v1/me", headers=people[0].headers)
    assert me.json()["user"]["avatar_url"] is None
