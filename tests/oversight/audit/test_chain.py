"""The chain in Postgres: gapless under load, found out when it is touched, kept when pruned."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.cli.auditing import verify_database
from app.core.audit import Note, note
from app.core.clock import now
from app.core.db import SYSTEM, Scope
from app.oversight.audit.checkpoints import checkpoint_job
from app.oversight.audit.erasure import erase_person
from app.oversight.audit.models import INSTALLATION
from app.oversight.audit.retention import prune_chain, retention_job
from tests.support.audit import as_owner, checked, exported, findings, trail
from tests.support.identity import new_person


async def write(kernel, workspace_id, times=1):
    for number in range(times):
        async with kernel.database.unit(Scope(UUID(workspace_id))) as session:
            what = Note("test.written", "test", workspace_id=UUID(workspace_id))
            what.detail["number"] = number
            note(session, what)


async def checkpoint(kernel):
    await checkpoint_job(kernel.database, kernel.vault).run()


@pytest.fixture
async def workspace(client, kernel):
    """A workspace with a chain and a checkpoint of its own."""
    made = await new_person(client)
    await write(kernel, made.workspace_id, 5)
    await checkpoint(kernel)
    await write(kernel, made.workspace_id, 3)
    return made


async def test_fifty_writes_at_once_make_a_gapless_chain(client, kernel, person):
    before = (await trail(client, person, limit=1))[0]["sequence"]

    async def post(number):
        answer = await client.post(
            "/v1/conversations", json={"title": f"{number}"}, headers=person.headers
        )
        assert answer.status_code == 201

    await asyncio.gather(*(post(number) for number in range(50)))
    rows = await trail(client, person, limit=200)
    assert [row["sequence"] for row in rows] == list(range(before + 50, 0, -1))
    assert (await checked(kernel, person.workspace_id))[0] == []


async def test_transactions_that_write_to_the_same_chains_do_not_lock_each_other_out(
    client, kernel
):
    one, two = (await new_person(client)).workspace_id, (await new_person(client)).workspace_id

    async def both(order):
        async with kernel.database.unit(SYSTEM) as session:
            for workspace_id in order:
                note(session, Note("test.written", "test", workspace_id=UUID(workspace_id)))

    await asyncio.gather(
        *(both((one, two)) for _ in range(10)), *(both((two, one)) for _ in range(10))
    )
    for workspace_id in (one, two):
        assert (await checked(kernel, workspace_id))[0] == []


async def test_what_belongs_to_no_workspace_has_a_chain_of_its_own(kernel):
    async with kernel.database.unit(SYSTEM) as session:
        note(session, Note("installation.tested", "installation"))
    found, verifier = await checked(kernel, str(INSTALLATION))
    assert found == []
    assert verifier.rows > 0


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "update audit_logs set action = 'x' where workspace_id = :workspace and sequence = 3",
            "row 3: was changed",
        ),
        (
            """
            update audit_logs set at = at + interval '1 s'
            where workspace_id = :workspace and sequence = 3
            """,
            "row 3: was changed",
        ),
        (
            "delete from audit_logs where workspace_id = :workspace and sequence = 3",
            "row 4: row 3 is missing",
        ),
        (
            """
            update audit_logs set sequence = sequence + 1000
            where workspace_id = :workspace and sequence in (3, 4)
            """,
            "rows 3 to 4 are missing",
        ),
        (
            "delete from audit_logs where workspace_id = :workspace and sequence > 6",
            "end: the chain counts",
        ),
        ("delete from audit_checkpoints where workspace_id = :workspace", None),
        (
            "update audit_checkpoints set count = 1 where workspace_id = :workspace",
            "checkpoint 1: was changed",
        ),
    ],
)
async def test_what_is_done_to_the_tables_is_found(
    client, kernel, settings, workspace, statement, words
):
    assert (await checked(kernel, workspace.workspace_id))[0] == []
    as_owner(settings, statement, workspace=UUID(workspace.workspace_id))
    found, verifier = await checked(kernel, workspace.workspace_id)
    if words is None:  # without an export, the loss of all checkpoints shows by their number
        assert verifier.checkpoints == 0
    else:
        assert any(words in finding for finding in found), found


async def test_the_command_checks_every_chain_of_the_database(settings, workspace, capsys):
    await asyncio.to_thread(verify_database, settings)
    told = capsys.readouterr().out.splitlines()
    (line,) = [line for line in told if line.startswith(f"Chain {workspace.workspace_id}")]
    assert line.endswith("nothing was changed.")
    as_owner(
        settings,
        "delete from audit_logs where workspace_id = :workspace and sequence = 3",
        workspace=UUID(workspace.workspace_id),
    )
    assert await asyncio.to_thread(verify_database, settings) is False
    told = capsys.readouterr().out.splitlines()
    (line,) = [line for line in told if line.startswith(f"Chain {workspace.workspace_id}")]
    assert line.endswith("1 finding.")


async def test_a_tail_that_is_cut_together_with_the_head_is_found_by_its_checkpoint(
    kernel, settings, workspace
):
    await checkpoint(kernel)
    as_owner(
        settings,
        "delete from audit_logs where workspace_id = :workspace and sequence > 4",
        workspace=UUID(workspace.workspace_id),
    )
    as_owner(
        settings,
        "update audit_chains c set count = l.sequence, head = l.hash from audit_logs l "
        "where l.workspace_id = c.workspace_id and l.sequence = 4 "
        "and c.workspace_id = :workspace",
        workspace=UUID(workspace.workspace_id),
    )
    found, _ = await checked(kernel, workspace.workspace_id)
    assert any("missing at the end" in finding for finding in found), found


async def test_a_chain_that_is_written_anew_is_found_by_its_checkpoint(kernel, settings, workspace):
    """Whoever has the database can link every row again, but not sign it."""
    as_owner(
        settings,
        """
        do $$
        declare entry record; before bytea := decode(repeat('00', 32), 'hex');
        begin
            for entry in
                select * from audit_logs where workspace_id = ':chain' order by sequence
            loop
                before := sha256(
                    'luminous-audit-1'::bytea || uuid_send(entry.workspace_id) || before
                    || int8send(entry.sequence) || sha256('another content')
                );
                update audit_logs set hash = before where id = entry.id;
            end loop;
            update audit_chains set head = before where workspace_id = ':chain';
        end $$
        """.replace(":chain", workspace.workspace_id),
    )
    found, _ = await checked(kernel, workspace.workspace_id)
    assert any("is not the row that checkpoint 1 signed" in finding for finding in found)


async def test_a_checkpoint_of_a_key_that_is_not_ours_is_found(kernel, settings, workspace):
    as_owner(
        settings,
        "update audit_checkpoints set key_id = 'somebody' where workspace_id = :workspace",
        workspace=UUID(workspace.workspace_id),
    )
    found, _ = await checked(kernel, workspace.workspace_id)
    assert found == ["checkpoint 1: is signed by somebody, a key that is not trusted"]


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_logs set action = 'x'",
        "delete from audit_logs",
        "insert into audit_logs select * from audit_logs",
        "update audit_chains set count = 0",
        "delete from audit_checkpoints",
        "update audit_checkpoints set count = 0",
        "delete from audit_keys",
    ],
)
async def test_the_service_itself_cannot_change_what_is_written(kernel, statement):
    with pytest.raises(DBAPIError, match="permission denied"):
        async with kernel.database.unit(SYSTEM) as session:
            await session.execute(text(statement))


async def test_nothing_is_pruned_without_a_checkpoint_that_says_so(kernel, workspace):
    async with kernel.database.unit(SYSTEM) as session:
        interval = await session.scalar(
            text("select id from audit_checkpoints where kind = 'interval' limit 1")
        )
    with pytest.raises(DBAPIError, match="no rows"):
        async with kernel.database.unit(SYSTEM) as session:
            await session.execute(text("select luminous_prune_audit(:id)"), {"id": interval})


async def test_rows_past_their_time_go_and_the_rest_stays_provable(
    client, kernel, settings, workspace
):
    as_owner(
        settings,
        """
        update audit_logs set at = at - interval '500 days'
        where workspace_id = :workspace and sequence <= 6
        """,
        workspace=UUID(workspace.workspace_id),
    )
    await retention_job(kernel.database, kernel.vault, 400).run()
    rows = await trail(client, workspace, limit=200)
    assert min(row["sequence"] for row in rows) == 7
    assert (await checked(kernel, workspace.workspace_id))[0] == []
    lines = await exported(client, workspace)
    assert findings(lines) == []
    without = [line for line in lines if line.get("kind") != "prune"]
    assert any("rows 1 to 6 are missing" in finding for finding in findings(without))
    assert (
        await prune_chain(
            kernel.database, kernel.vault, UUID(workspace.workspace_id), older_than_days=400
        )
        == 0
    )


async def test_a_chain_can_be_pruned_again_and_go_on(client, kernel, workspace):
    for _ in range(3):
        async with kernel.database.unit(SYSTEM) as session:
            newest = await session.scalar(
                text("select max(at) from audit_logs where workspace_id = :workspace"),
                {"workspace": UUID(workspace.workspace_id)},
            )
        assert newest <= now() + timedelta(seconds=1)
        await asyncio.sleep(0.01)
        assert await prune_chain(
            kernel.database, kernel.vault, UUID(workspace.workspace_id), older_than_days=0
        )
        await write(kernel, workspace.workspace_id, 3)
        await checkpoint(kernel)
        assert (await checked(kernel, workspace.workspace_id))[0] == []
    assert findings(await exported(client, workspace)) == []


async def test_an_erased_person_leaves_a_chain_that_is_whole(client, kernel, workspace):
    await client.patch("/v1/me", json={"name": "Ada"}, headers=workspace.headers)
    before = await trail(client, workspace, actor_id=workspace.user_id)
    assert before[0]["address"] == "127.0.0.1"
    async with kernel.database.unit(SYSTEM) as session:
        assert await erase_person(session, UUID(workspace.user_id)) >= 1
    after = await trail(client, workspace, actor_id=workspace.user_id)
    assert [row["id"] for row in after] == [row["id"] for row in before]
    assert after[0]["changes"][0]["after"]["name"] == "[erased]"
    assert {"address", "user_agent", "changes/0/after/name"} <= set(after[0]["erased"])
    async with kernel.database.unit(SYSTEM) as session:
        whole = await session.scalar(
            text(
                "select string_agg(a::text, '') from audit_logs a where workspace_id = :workspace"
            ),
            {"workspace": UUID(workspace.workspace_id)},
        )
    assert "Ada" not in whole
    found, verifier = await checked(kernel, workspace.workspace_id)
    assert found == []
    assert verifier.erased >= 3
    assert (await trail(client, workspace, action="audit_log.erased"))[0]["detail"]["rows"] >= 1


async def test_an_erasable_value_that_is_replaced_is_found(client, kernel, settings, workspace):
    await client.patch("/v1/me", json={"name": "Ada"}, headers=workspace.headers)
    as_owner(
        settings,
        """
        update audit_logs set erasable = jsonb_set(erasable, '{address,value}', '"192.0.2.9"')
        where workspace_id = :workspace and actor_id is not null
        """,
        workspace=UUID(workspace.workspace_id),
    )
    found, _ = await checked(kernel, workspace.workspace_id)
    assert any("`address` was changed" in finding for finding in found), found


async def test_checkpoints_are_listed_with_their_key_and_made_only_for_something_new(
    client, kernel, workspace
):
    await checkpoint(kernel)
    await checkpoint(kernel)
    answer = await client.get("/v1/audit-logs/checkpoints", headers=workspace.headers)
    listed = answer.json()["data"]
    assert [each["number"] for each in listed] == [2, 1]
    assert [each["kind"] for each in listed] == ["interval", "interval"]
    assert all(each["public_key"] for each in listed)
