"""Consents: a history that grows, and the last word on each purpose."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.db import SYSTEM

PATH = "/v1/privacy/consents"


async def give(client, person, purpose, *, granted, version="2026-11-01"):
    body = {"purpose": purpose, "text_version": version, "granted": granted, "method": "settings"}
    answer = await client.post(PATH, json=body, headers=person.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def listed(client, person, **query):
    answer = await client.get(PATH, params=query, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return [(row["purpose"], row["granted"], row["current"]) for row in answer.json()["data"]]


async def test_a_later_word_counts_and_the_history_stands(client, person):
    first = await give(client, person, "product_news", granted=True)
    assert first["current"] is True
    await give(client, person, "research", granted=True)
    await give(client, person, "product_news", granted=False, version="2026-11-02")
    assert await listed(client, person) == [
        ("product_news", False, True),
        ("research", True, True),
        ("product_news", True, False),
    ]
    assert await listed(client, person, current=True) == [
        ("product_news", False, True),
        ("research", True, True),
    ]
    assert await listed(client, person, purpose="research") == [("research", True, True)]


@pytest.mark.parametrize("change", ["update privacy_consents set granted = true"])
async def test_nobody_changes_a_word_that_was_given(client, person, kernel, change):
    await give(client, person, "product_news", granted=False)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with kernel.database.unit(SYSTEM) as session:
            await session.execute(text(change))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("purpose", ""),
        ("purpose", "Ünusual"),
        ("purpose", "a" * 101),
        ("text_version", " "),
        ("granted", None),
        ("method", "telepathy"),
    ],
)
async def test_a_bad_field_is_named(client, person, field, value):
    body = {"purpose": "news", "text_version": "1", "granted": True, field: value}
    answer = await client.post(PATH, json=body, headers=person.headers)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/body/{field}"]
