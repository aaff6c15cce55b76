"""Every list is one idiom: its pages are linked, counted on demand and walked either way."""

import httpx2
import pytest

from tests.support.openapi import read_operations


@pytest.fixture(scope="module")
async def titles(address, person):
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        for number in range(5):
            body = {"title": f"T{number}"}
            await http.post("/v1/conversations", json=body, headers=person.headers)
    return [f"T{number}" for number in range(5)]


async def test_the_link_leads_through_the_whole_list(client, person, titles):
    path, seen = "/v1/conversations?limit=2&deleted=false", []
    for _ in range(3):
        answer = await client.get(path, headers=person.headers)
        page = answer.json()
        seen += [row["title"] for row in page["data"]]
        path = answer.links.get("next", {}).get("url", "")
        assert page["has_more"] is bool(path)
        if path:
            assert page["next_cursor"] in path
            assert "limit=2" in path
    assert seen == titles[::-1]


async def test_order_and_total_are_asked_for(client, person, titles):
    newest = await client.get("/v1/conversations", headers=person.headers)
    assert newest.json()["total"] is None
    assert "link" not in newest.headers
    oldest = await client.get(
        "/v1/conversations?order=asc&include=total&limit=3", headers=person.headers
    )
    assert [row["title"] for row in oldest.json()["data"]] == titles[:3]
    assert oldest.json()["total"] == 5
    assert "order=asc" in oldest.headers["link"]


async def test_a_cursor_of_one_order_is_refused_in_the_other(client, person, titles):
    first = (await client.get("/v1/conversations?limit=2", headers=person.headers)).json()
    answer = await client.get(
        "/v1/conversations",
        params={"cursor": first["next_cursor"], "order": "asc"},
        headers=person.headers,
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")


@pytest.mark.parametrize("query", ["order=up", "include=everything", "include=total,x"])
async def test_what_is_no_order_and_nothing_to_include_is_a_422(client, person, query):
    answer = await client.get(f"/v1/conversations?{query}", headers=person.headers)
    assert answer.status_code == 422


async def test_models_are_ordered_and_counted_as_well(client, person):
    up = (await client.get("/v1/models?include=total", headers=person.headers)).json()
    down = (await client.get("/v1/models?order=desc&limit=1", headers=person.headers)).json()
    assert up["total"] == len(up["data"]) > 1
    assert down["data"][0] == up["data"][-1]
    rest = await client.get(
        "/v1/models",
        params={"order": "desc", "cursor": down["next_cursor"]},
        headers=person.headers,
    )
    assert [m["id"] for m in rest.json()["data"]] == [m["id"] for m in up["data"]][-2::-1]


async def test_every_list_takes_all_of_it(client):
    lists = [operation for operation in await read_operations(client) if operation.is_list]
    assert len(lists) >= 6
    taken = {"limit", "cursor", "order", "include"}
    assert [
        operation.id
        for operation in lists
        if not taken <= {parameter["name"] for parameter in operation.parameters}
    ] == []
