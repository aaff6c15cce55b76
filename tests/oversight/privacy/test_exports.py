"""Archives: everything of one person, nothing of anybody else, no secret."""

import asyncio
import hashlib
import io
import json
import stat
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from PIL import Image
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.ids import new_id
from app.inference.usage.models import ModelCall
from app.oversight.privacy.exports.jobs import NAME, Exporting
from app.oversight.privacy.exports.models import PrivacyExport
from app.oversight.privacy.stores import Entry
from tests.oversight.privacy.conftest import new_team, say
from tests.support.identity import new_key, new_person, until
from tests.support.jobs import by_hand
from tests.support.privacy import downloaded, new_export, ready_export, rows_of


async def test_an_archive_holds_everything_of_a_person_over_all_workspaces(client, kernel):
    team = await new_team(client, kernel)
    at_home, at_work, theirs = (f"canary {uuid4().hex}" for _ in range(3))
    await say(client, team.member.headers, at_home)
    await say(client, team.headers(team.member), at_work)
    await say(client, team.headers(team.owner), theirs)
    export = await new_export(client, team.member)
    archive = await downloaded(client, team.member, export["id"])
    asked = [row["text"] for row in rows_of(archive, "messages") if row["role"] == "user"]
    assert sorted(asked) == sorted([at_home, at_work])
    assert [row["email"] for row in rows_of(archive, "users")] == [team.member.email]
    assert {row["workspace_id"] for row in rows_of(archive, "memberships")} == {
        team.member.workspace_id,
        team.workspace_id,
    }
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    assert at_home in everything
    for foreign in (theirs, team.owner.email, team.owner.user_id):
        assert foreign not in everything


async def test_an_archive_holds_no_secret(client, person):
    key = await new_key(client, person)
    export = await new_export(client, person)
    archive = await downloaded(client, person, export["id"])
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    for secret in (key["key"], person.access_token, person.refresh_token, "$argon2"):
        assert secret not in everything
    assert [row["name"] for row in rows_of(archive, "api_keys")] == ["A key"]
    assert "password_hash" not in rows_of(archive, "users")[0]


async def test_the_manifest_proves_every_file_and_the_export_the_archive(client, person):
    export = await new_export(client, person)
    path = f"/v1/privacy/exports/{export['id']}/download"
    answer = await client.get(path, headers=person.headers)
    assert hashlib.sha256(answer.content).hexdigest() == export["sha256"]
    assert len(answer.content) == export["size_bytes"]
    assert export["entries"] == export["entries_total"] > 20
    archive = await downloaded(client, person, export["id"])
    manifest = json.loads(archive.read("manifest.json"))
    listed = {file["path"]: file for file in manifest["files"]}
    assert set(listed) | {"README.md", "manifest.json"} == set(archive.namelist())
    for path, file in listed.items():
        content = archive.read(path)
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (
            file["sha256"],
            file["size_bytes"],
        )
        assert f"`{path}` | {file['meaning']}" in archive.read("README.md").decode()


async def test_the_picture_of_a_person_is_a_file(client, person):
    drawn = io.BytesIO()
    Image.new("RGB", (8, 8)).save(drawn, "PNG")
    put = await client.put("/v1/me/avatar", content=drawn.getvalue(), headers=person.headers)
    assert put.status_code == 200, put.text
    shown = await client.get("/v1/me/avatar", headers=person.headers)
    export = await new_export(client, person)
    archive = await downloaded(client, person, export["id"])
    files = [name for name in archive.namelist() if name.startswith("files/user_avatars/")]
    assert [archive.read(name) for name in files] == [shown.content]


async def test_an_archive_is_its_owners_alone_on_disk(client, person, kernel):
    export = await new_export(client, person)
    path = kernel.settings.data_dir / "exports" / person.user_id / f"{export['id']}.zip"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_another_person_finds_no_export(client, person):
    export = await new_export(client, person)
    stranger = await new_person(client)
    for path in ("", "/download"):
        answer = await client.get(
            f"/v1/privacy/exports/{export['id']}{path}", headers=stranger.headers
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "export_not_found")
    listed = await client.get("/v1/privacy/exports", headers=stranger.headers)
    assert listed.json()["data"] == []


async def test_an_api_key_gets_no_archive(client, person):
    key = await new_key(client, person, scopes=["privacy:read", "privacy:write"])
    headers = {"Authorization": f"Bearer {key['key']}"}
    answer = await client.post("/v1/privacy/exports", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


async def test_one_export_at_a_time(client, person, kernel):
    await queued(kernel, person, status="running", leased_until=now() + timedelta(hours=1))
    answer = await client.post("/v1/privacy/exports", headers=person.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "export_under_way")


async def queued(kernel, person, **values):
    """An export that the service's own job has not been told of."""
    export_id = new_id()
    async with kernel.database.unit(SYSTEM) as session:
        session.add(
            PrivacyExport(
                id=export_id,
                user_id=UUID(person.user_id),
                requested_in=UUID(person.workspace_id),
                **values,
            )
        )
    return str(export_id)


async def row_of(kernel, export_id):
    async with kernel.database.unit(SYSTEM) as session:
        return await session.scalar(
            select(PrivacyExport).where(PrivacyExport.id == UUID(export_id))
        )


@pytest_asyncio.fixture(loop_scope="session")
async def exported_by_hand(kernel):
    async with by_hand(kernel, NAME):
        yield


@pytest.mark.usefixtures("exported_by_hand")
async def test_an_export_that_is_killed_is_begun_again_and_made_once(client, person, kernel, app):
    privacy = app.state.privacy
    reached = asyncio.Event()

    class Stuck:
        """A store that never gets to its end, as a killed process does not."""

        name = "stuck"

        async def export(self, _):
            yield Entry("stuck.jsonl", "nothing", self.pieces())

        async def pieces(self):
            yield b"{}\n"
            reached.set()
            await asyncio.Event().wait()

    export_id = await queued(kernel, person)
    dying = Exporting(kernel, replace(privacy, stores=(*privacy.stores, Stuck())))
    task = asyncio.create_task(dying.run())
    await reached.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await Exporting(kernel, privacy).run()
    assert (await row_of(kernel, export_id)).status == "running"  # its lease still counts
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(PrivacyExport)
            .where(PrivacyExport.id == UUID(export_id))
            .values(leased_until=now())
        )
    await asyncio.gather(*(Exporting(kernel, privacy).run() for _ in range(3)))
    made = await row_of(kernel, export_id)
    assert (made.status, made.attempt) == ("ready", 2)
    folder = kernel.settings.data_dir / "exports" / person.user_id
    assert [path.name for path in folder.iterdir()] == [f"{export_id}.zip"]
    assert rows_of(await downloaded(client, person, export_id), "users")


@pytest.mark.usefixtures("exported_by_hand")
async def test_who_lost_the_lease_cannot_finish(client, person, kernel, app):
    privacy = app.state.privacy
    export_id = await queued(kernel, person)

    class Overtaken:
        name = "overtaken"

        async def export(self, _):
            yield Entry("overtaken.jsonl", "nothing", self.pieces())

        async def pieces(self):
            async with kernel.database.unit(SYSTEM) as session:
                await session.execute(
                    update(PrivacyExport)
                    .where(PrivacyExport.id == UUID(export_id))
                    .values(attempt=PrivacyExport.attempt + 1)
                )
            yield b"{}\n"

    await Exporting(kernel, replace(privacy, stores=(Overtaken(),))).run()
    assert (await row_of(kernel, export_id)).status == "running"
    folder = kernel.settings.data_dir / "exports" / person.user_id
    assert not folder.exists() or list(folder.iterdir()) == []


async def test_an_archive_goes_after_its_seven_days(client, person, kernel):
    export = await new_export(client, person)
    row = await row_of(kernel, export["id"])
    assert row.expires_at - row.ready_at == timedelta(days=7)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(PrivacyExport)
            .where(PrivacyExport.id == UUID(export["id"]))
            .values(expires_at=now())
        )
    path = kernel.settings.data_dir / "exports" / person.user_id / f"{export['id']}.zip"
    kernel.nudge(NAME)

    async def is_gone():
        return not path.exists()

    await until(is_gone)
    answer = await client.get(
        f"/v1/privacy/exports/{export['id']}/download", headers=person.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (410, "export_expired")


async def test_requests_and_downloads_stand_in_the_audit_trail(client, person):
    export = await new_export(client, person)
    await downloaded(client, person, export["id"])
    answer = await client.get("/v1/audit-logs", headers=person.headers)
    noted = [
        (row["action"], row["resource"]["id"])
        for row in answer.json()["data"]
        if row["action"].startswith("export.")
    ]
    assert noted == [("export.downloaded", export["id"]), ("export.created", export["id"])]


async def test_a_dry_run_makes_no_export(client, person, kernel):
    answer = await client.post(
        "/v1/privacy/exports", params={"dry_run": True}, headers=person.headers
    )
    assert answer.status_code == 201
    assert await row_of(kernel, answer.json()["id"]) is None


async def test_a_large_export_is_streamed(client, person, kernel):
    """Forty thousand rows pass through, a page at a time."""
    rows = 40_000
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            ModelCall.__table__.insert(),
            [
                {
                    "id": new_id(), "workspace_id": UUID(person.workspace_id),
                    "user_id": UUID(person.user_id), "provider": "demo", "model": "m" * 100,
                    "purpose": "gateway", "status": "completed", "executor_id": "x",
                    "input_tokens": 1, "output_tokens": 1, "cached_input_tokens": 0,
                    "cache_write_tokens": 0, "reasoning_tokens": 0, "estimated": False,
                }
                for _ in range(rows)
            ],
        )  # fmt: skip
    export = await new_export(client, person)
    assert len(rows_of(await downloaded(client, person, export["id"]), "model_calls")) == rows


async def test_the_archive_is_ready_within_its_list(client, person):
    export = await new_export(client, person)
    again = await ready_export(client, person, export["id"])
    listed = await client.get("/v1/privacy/exports", headers=person.headers)
    assert listed.json()["data"] == [again]


@pytest.mark.parametrize("status", ["running", "failed"])
async def test_what_is_not_ready_is_not_downloaded(client, person, kernel, status):
    leased_until = now() + timedelta(hours=1)
    export_id = await queued(kernel, person, status=status, leased_until=leased_until)
    answer = await client.get(f"/v1/privacy/exports/{export_id}/download", headers=person.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "export_not_ready")
