"""Snapshots, and the way back to them."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from app.core.clock import now
from app.core.db import SYSTEM
from app.knowledge.collections import document_crud, snapshots
from app.knowledge.collections.models import Document
from app.runs.events.errors import RunLost
from app.runs.runs.models import Run
from tests.support.identity import until


async def snapshot(shelf, name="Before"):
    made = await shelf.call("POST", f"{shelf.path}/snapshots", json={"name": name})
    assert made.status_code == 201, made.text
    return made.json()


async def roll_back(shelf, made):
    answer = await shelf.call("POST", f"{shelf.path}/snapshots/{made['id']}/rollback")
    assert answer.status_code == 202, answer.text
    assert answer.headers["x-run-id"] == answer.json()["run_id"]
    return await shelf.run(answer.json()["run_id"])


async def texts(shelf):
    """What can be found, by document."""
    listed = (await shelf.call("GET", f"{shelf.path}/documents")).json()["data"]
    return {
        each["id"]: (each["current_version"], [c["text"] for c in await shelf.chunks(each["id"])])
        for each in listed
    }


async def test_a_rollback_brings_back_what_there_was(shelf):
    changed = await shelf.add("# One\n\nAs it was.", "one.md")
    deleted = await shelf.add("# Two\n\nIt goes.", "two.md")
    await shelf.add("# Three\n\nIt stays.", "three.md")
    before, made = await texts(shelf), await snapshot(shelf)
    assert made["document_count"] == 3
    await shelf.version(changed["id"], "# One\n\nAs it is now.", "one.md")
    await shelf.settled(changed["id"])
    await shelf.call("DELETE", f"/v1/documents/{deleted['id']}")
    added = await shelf.add("# Four\n\nIt is new.", "four.md")
    run = await roll_back(shelf, made)
    assert run["status"] == "completed"
    assert await texts(shelf) == before
    assert (await shelf.call("GET", f"/v1/documents/{added['id']}")).status_code == 404
    ready = [(await shelf.show(each))["status"] for each in before]
    assert ready == ["ready"] * 3
    chunks = [chunk for each in before for chunk in await shelf.chunks(each)]
    assert all(chunk["embedded"] for chunk in chunks)
    back = await shelf.call("POST", f"/v1/documents/{added['id']}/restore")
    assert back.status_code == 200


async def test_a_rollback_again_changes_nothing(shelf):
    made_of = await shelf.add()
    made = await snapshot(shelf)
    before = await shelf.show(made_of["id"])
    await roll_back(shelf, made)
    assert await shelf.show(made_of["id"]) == before


async def test_a_rollback_whose_process_dies_is_gone_on_with(shelf, app, kernel, vectors):
    vectors["away"] = False
    kept = [await shelf.add(f"# {n}\n\nIt goes and comes.", f"{n}.md") for n in range(3)]
    before, made = await texts(shelf), await snapshot(shelf)
    for each in kept:
        await shelf.call("DELETE", f"/v1/documents/{each['id']}")
    await shelf.add("# New\n\nIt goes.", "new.md")
    vectors.update(away=True, asked=0)
    answer = await shelf.call("POST", f"{shelf.path}/snapshots/{made['id']}/rollback")
    run_id = UUID(answer.json()["run_id"])

    async def is_waiting():
        return vectors["asked"]

    async def is_let_go():
        return run_id not in executor.active

    executor = app.state.runs.executor
    await until(is_waiting, 30)
    executor._active[run_id].stop(RunLost())
    await until(is_let_go, 30)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(update(Run).where(Run.id == run_id).values(executor_id=None))
    vectors["away"] = False
    run = await shelf.run(str(run_id))
    events = await shelf.events(str(run_id))
    assert run["status"] == "completed", f"{run} {events}"
    assert ("run.resumed", None) in events
    assert await texts(shelf) == before
    done = run["result"]
    assert (done["deleted"], done["missing"]) == (1, 0)
    assert done["restored"] + done["changed"] == 3


async def test_what_was_purged_stays_gone(shelf, kernel):
    made_of = await shelf.add()
    made = await snapshot(shelf)
    await shelf.call("DELETE", f"/v1/documents/{made_of['id']}")
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(Document)
            .where(Document.workspace_id == shelf.scope.workspace_id)
            .values(deleted_at=now() - timedelta(days=2000))
        )
        await document_crud.delete_expired(session, now() - timedelta(days=1000), 10)
    run = await roll_back(shelf, made)
    assert (run["status"], run["result"]["missing"]) == ("completed", 1)
    assert await texts(shelf) == {}


async def test_snapshots_are_listed_deleted_and_restored(shelf, monkeypatch):
    monkeypatch.setattr(snapshots, "MOST_SNAPSHOTS", 2)
    one, two = await snapshot(shelf, "One"), await snapshot(shelf, "Two")
    listed = (await shelf.call("GET", f"{shelf.path}/snapshots")).json()["data"]
    assert [each["id"] for each in listed] == [two["id"], one["id"]]
    full = await shelf.call("POST", f"{shelf.path}/snapshots", json={"name": "Three"})
    assert (full.status_code, full.json()["code"]) == (409, "too_many_snapshots")
    path = f"{shelf.path}/snapshots/{one['id']}"
    assert (await shelf.call("DELETE", path)).status_code == 204
    gone = await shelf.call("POST", f"{path}/rollback")
    assert (gone.status_code, gone.json()["code"]) == (404, "snapshot_not_found")
    assert (await shelf.call("POST", f"{path}/restore")).json()["name"] == "One"
