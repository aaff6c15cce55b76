"""Exports: streamed, noted in the trail, verifiable, and safe to open in a spreadsheet."""

import csv
import io
from uuid import UUID

from app.core.audit import Note, note
from app.core.db import Scope
from app.oversight.audit import exporting
from tests.support.audit import exported, findings, trail


async def test_an_export_is_noted_in_the_trail_and_holds_that_note(client, person):
    lines = await exported(client, person, actor_id=person.user_id)
    (noted, *_) = await trail(client, person, action="audit_log.exported")
    assert noted["detail"] == {"format": "jsonl", "actor_id": person.user_id}
    assert noted["id"] in {line.get("id") for line in lines}


async def test_an_export_verifies_and_ends_with_its_signed_checkpoint(client, person):
    lines = await exported(client, person)
    assert findings(lines) == []
    kinds = [line["type"] for line in lines]
    assert (kinds[0], kinds[-1], lines[-1]["kind"]) == ("header", "checkpoint", "export")
    assert lines[-1]["shown"] == kinds.count("row") == lines[-1]["count"]


async def test_a_filtered_export_verifies_with_the_other_rows_told_by_their_digest(client, person):
    lines = await exported(client, person, action="audit_log.exported")
    assert findings(lines) == []
    shown = [line for line in lines if line["type"] == "row"]
    assert {row["action"] for row in shown} == {"audit_log.exported"}
    assert [line for line in lines if line["type"] == "omitted"]


async def test_an_export_of_many_portions_is_whole(client, person, monkeypatch):
    monkeypatch.setattr(exporting, "PORTION", 2)
    assert findings(await exported(client, person)) == []


async def test_formulas_are_defused_in_csv(client, person, kernel):
    dangerous = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "harmless"]
    async with kernel.database.unit(Scope(UUID(person.workspace_id))) as session:
        for text in dangerous:
            where = {"workspace_id": UUID(person.workspace_id), "resource_id": text}
            note(session, Note("test.dangerous", "test", **where))
    answer = await client.get(
        "/v1/audit-logs/export",
        params={"format": "csv", "action": "test.dangerous"},
        headers=person.headers,
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].endswith('.csv"')
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    expected = [f"'{text}" for text in dangerous[:-1]] + ["harmless"]
    assert [row["resource_id"] for row in rows] == expected


async def test_an_export_needs_a_permission(client):
    refused = await client.get("/v1/audit-logs/export")
    assert refused.status_code == 401
