"""What calls came to, through the API."""

import csv
import io
from datetime import timedelta
from uuid import uuid4

import pytest

from app.core.clock import now
from tests.inference.budgets.test_budgets import spend

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def usage(talker, **query) -> list[dict]:
    answer = await talker.http.get("/v1/usage", params=query, headers=talker.person.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_the_sum_of_everything_is_one_row(kernel, talker):
    await spend(kernel, talker, "0.1", input_tokens=10, output_tokens=5, first_token_ms=100)
    await spend(kernel, talker, "0.2", input_tokens=1, first_token_ms=300, attempt=2)
    await spend(kernel, talker, "0", status="failed", cost_usd=None, error_code="x")
    (row,) = await usage(talker)
    assert (row["calls"], row["requests"], row["errors"], row["unpriced_calls"]) == (3, 2, 1, 1)
    assert (row["input_tokens"], row["output_tokens"]) == (11, 5)
    assert (row["cost_usd"], row["first_token_ms_p50"]) == ("0.3", 200)
    assert set(row["group"].values()) == {None}


async def test_costs_are_shown_in_the_workspaces_currency_too(kernel, talker):
    await spend(kernel, talker, "2")
    await talker.http.patch(
        "/v1/prices/settings",
        json={"currency": "EUR", "units_per_usd": "0.9"},
        headers=talker.person.headers,
    )
    (row,) = await usage(talker)
    assert (row["cost_usd"], row["cost"], row["currency"]) == ("2", "1.8", "EUR")


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("model", "model", "m-1"),
        ("provider", "provider", "anthropic"),
        ("integration", "integration_id", uuid4()),
        ("route", "route", "cheap"),
        ("api_key", "api_key_id", uuid4()),
        ("customer", "customer", "c-1"),
        ("agent", "agent_id", uuid4()),
        ("run", "run_id", uuid4()),
        ("purpose", "purpose", "title"),
        ("operation", "operation", "embeddings"),
        ("status", "status", "cancelled"),
        ("cache", "cache_status", "hit"),
    ],
)
async def test_calls_are_grouped_and_filtered_by_each_dimension(
    kernel, talker, name, column, value
):
    await spend(kernel, talker, "1")
    await spend(kernel, talker, "3", **{column: value})
    rows = await usage(talker, group_by=name)
    assert len(rows) == 2
    assert {row["group"][name]: row["cost_usd"] for row in rows}[str(value)] == "3"
    (row,) = await usage(talker, **{name: str(value)})
    assert row["cost_usd"] == "3"


async def test_a_call_counts_under_each_of_its_tags(kernel, talker):
    await spend(kernel, talker, "1", tags=["a", "b"])
    await spend(kernel, talker, "2", tags=["b"])
    await spend(kernel, talker, "4")
    rows = await usage(talker, group_by="tag")
    assert {row["group"]["tag"]: row["cost_usd"] for row in rows} == {None: "4", "a": "1", "b": "3"}
    (row,) = await usage(talker, tag="b")
    assert row["cost_usd"] == "3"


async def test_days_begin_where_the_time_zone_says(kernel, talker):
    late = (now() - timedelta(days=2)).replace(hour=23, minute=30)
    await spend(kernel, talker, "1", created_at=late)
    for zone, day in (("UTC", late), ("Europe/Berlin", late + timedelta(days=1))):
        (row,) = await usage(talker, group_by="day", timezone=zone)
        assert row["group"]["day"] == f"{day:%Y-%m-%d}"
    (row,) = await usage(talker, group_by="hour")
    assert row["group"]["hour"] == f"{late:%Y-%m-%dT%H}"


async def test_pages_of_groups_are_gapless(kernel, talker):
    for number in range(5):
        await spend(kernel, talker, "1", model=f"m-{number}", route="r" if number % 2 else None)
    for order in ("asc", "desc"):
        seen, cursor = [], None
        while True:
            query = {"group_by": ["route", "model"], "limit": 2, "order": order}
            answer = await talker.http.get(
                "/v1/usage",
                params=query | ({"cursor": cursor} if cursor else {}),
                headers=talker.person.headers,
            )
            page = answer.json()
            seen += [(row["group"]["route"], row["group"]["model"]) for row in page["data"]]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                break
        wanted = [(None, "m-0"), (None, "m-2"), (None, "m-4"), ("r", "m-1"), ("r", "m-3")]
        assert seen == (wanted if order == "asc" else wanted[::-1])


async def test_the_calls_themselves_are_listed_newest_first(kernel, talker):
    await spend(kernel, talker, "1", created_at=now() - timedelta(hours=1), tags=["x"])
    await spend(kernel, talker, "2")
    answer = await talker.http.get("/v1/usage/calls", headers=talker.person.headers)
    assert [call["cost_usd"] for call in answer.json()["data"]] == ["2", "1"]
    answer = await talker.http.get("/v1/usage/calls?tag=x", headers=talker.person.headers)
    assert [call["tags"] for call in answer.json()["data"]] == [["x"]]


async def test_the_export_holds_every_call_and_no_formula(kernel, talker):
    await spend(kernel, talker, "1", customer="=cmd()", created_at=now() - timedelta(hours=1))
    await spend(kernel, talker, "2", customer="+1")
    await spend(kernel, talker, "0", customer="none")
    answer = await talker.http.get("/v1/usage/export", headers=talker.person.headers)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["customer"], row["cost_usd"]) for row in rows] == [
        ("'=cmd()", "1.000000000"),
        ("'+1", "2.000000000"),
        ("none", "0.000000000"),
    ]
    audited = await talker.http.get(
        "/v1/audit-logs?action=usage.exported", headers=talker.person.headers
    )
    assert len(audited.json()["data"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"group_by": "colour"},
        {"group_by": ["day", "day"]},
        {"timezone": "Mars/Base"},
        {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"},
        {"start": "2020-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"},
        {"user": "me"},
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(talker, wrong):
    answer = await talker.http.get("/v1/usage", params=wrong, headers=talker.person.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
