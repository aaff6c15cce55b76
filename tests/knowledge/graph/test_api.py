"""The graph over HTTP."""

from uuid import uuid4

import pytest_asyncio


@pytest_asyncio.fixture(loop_scope="session")
async def graph(talker):
    """Acme owns Bolt, Bolt owns Crane, and Drill stands alone: all made by hand."""
    ids = {}
    for name in ("Acme", "Bolt", "Crane", "Drill"):
        made = await talker.call("POST", "/v1/graph/entities", json={"name": name})
        assert made.status_code == 201, made.text
        ids[name] = made.json()["id"]
    for source, target in (("Acme", "Bolt"), ("Bolt", "Crane")):
        tie = {"source_id": ids[source], "target_id": ids[target], "type": "owns"}
        made = await talker.call("POST", "/v1/graph/relations", json=tie)
        assert made.status_code == 201, made.text
    return ids


async def test_an_entity_is_made_changed_deleted_and_restored(talker):
    made = await talker.call("POST", "/v1/graph/entities", json={"name": "Acme", "type": "firm"})
    assert made.status_code == 201
    path = made.headers["Location"]
    assert (made.json()["origin"], made.json()["type"]) == ("manual", "firm")
    twice = await talker.call("POST", "/v1/graph/entities", json={"name": " ACME "})
    assert (twice.status_code, twice.json()["code"]) == (409, "graph_entity_exists")
    shown = await talker.call("GET", path)
    old = {"If-Match": shown.headers["ETag"]}
    changed = await talker.call("PATCH", path, json={"aliases": ["ACM"]}, headers=old)
    assert changed.json()["aliases"] == ["ACM"]
    stale = await talker.call("PATCH", path, json={"name": "X"}, headers=old)
    assert stale.status_code == 412
    found = await talker.call("GET", "/v1/graph/entities", params={"q": "acm"})
    assert [each["name"] for each in found.json()["data"]] == ["Acme"]
    assert (await talker.call("DELETE", path)).status_code == 204
    assert (await talker.call("GET", path)).status_code == 404
    restored = await talker.call("POST", f"{path}/restore")
    assert restored.json()["name"] == "Acme"
    item = {"action": "delete", "id": made.json()["id"]}
    bulk = await talker.call("POST", "/v1/graph/entities/bulk", json={"items": [item] * 2})
    assert [each["ok"] for each in bulk.json()["data"]] == [True, False]


async def test_a_relation_is_made_changed_deleted_and_restored(talker, graph):
    tie = {"source_id": graph["Acme"], "target_id": graph["Drill"], "type": "uses"}
    made = await talker.call("POST", "/v1/graph/relations", json=tie)
    assert made.status_code == 201
    path = made.headers["Location"]
    again = await talker.call("POST", "/v1/graph/relations", json=tie)
    assert again.json()["code"] == "graph_relation_exists"
    itself = tie | {"target_id": graph["Acme"]}
    refused = await talker.call("POST", "/v1/graph/relations", json=itself)
    assert (refused.status_code, refused.json()["code"]) == (422, "graph_relation_invalid")
    changed = await talker.call("PATCH", path, json={"description": "Daily."})
    assert changed.json()["description"] == "Daily."
    of = {"entity_id": graph["Drill"]}
    listed = await talker.call("GET", "/v1/graph/relations", params=of)
    assert [each["source"]["name"] for each in listed.json()["data"]] == ["Acme"]
    assert (await talker.call("DELETE", path)).status_code == 204
    assert (await talker.call("GET", "/v1/graph/relations", params=of)).json()["data"] == []
    assert (await talker.call("POST", f"{path}/restore")).json()["type"] == "uses"


async def test_merges_and_splits_over_http(talker, graph):
    wish = {"into": graph["Acme"], "from": [graph["Drill"]]}
    done = await talker.call("POST", "/v1/graph/entities/merge", json=wish)
    assert done.status_code == 201, done.text
    assert done.json()["entity"]["aliases"] == ["Drill"]
    shown = await talker.call("GET", f"/v1/graph/entities/{graph['Drill']}")
    assert shown.json()["id"] == graph["Acme"]
    path = f"/v1/graph/entities/{graph['Acme']}/split"
    apart = await talker.call("POST", path, json={"aliases": ["Drill"]})
    assert (apart.status_code, apart.json()["merge"]["kind"]) == (201, "split")
    both = await talker.call("POST", path, json={"aliases": ["x"], "contributions": []})
    assert both.status_code == 422
    listed = (await talker.call("GET", "/v1/graph/merges")).json()["data"]
    assert [each["kind"] for each in listed] == ["split", "merge"]
    undo = "/v1/graph/merges/{}/undo"
    early = await talker.call("POST", undo.format(listed[1]["id"]))
    assert early.json()["code"] == "graph_merge_blocked"
    for each in listed:
        undone = await talker.call("POST", undo.format(each["id"]))
        assert undone.json()["undone_by_id"] == talker.person.user_id, undone.text
    shown = await talker.call("GET", f"/v1/graph/entities/{graph['Drill']}")
    assert shown.json()["id"] == graph["Drill"]


async def test_the_neighbourhood_of_an_entity(talker, graph):
    async def near(**query):
        path = f"/v1/graph/entities/{graph['Acme']}/neighbourhood"
        answer = await talker.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return {each["name"]: each["depth"] for each in found["nodes"]}, found

    assert (await near())[0] == {"Acme": 0, "Bolt": 1}
    names, found = await near(depth=3)
    assert names == {"Acme": 0, "Bolt": 1, "Crane": 2}
    assert (len(found["edges"]), found["truncated"]) == (2, False)
    names, found = await near(depth=3, max_entities=2)
    assert (names, found["truncated"]) == ({"Acme": 0, "Bolt": 1}, True)
    assert (await near(types=["uses"]))[0] == {"Acme": 0}


async def test_the_shortest_path_between_entities(talker, graph):
    async def found(target, **more):
        body = {"source_id": graph["Acme"], "target_id": graph[target], **more}
        answer = await talker.call("POST", "/v1/graph/paths", json=body)
        assert answer.status_code == 200, answer.text
        return [[node["name"] for node in path["nodes"]] for path in answer.json()["paths"]]

    assert await found("Crane") == [["Acme", "Bolt", "Crane"]]
    assert await found("Crane", max_hops=1) == []
    assert await found("Drill") == []
    tie = {"source_id": graph["Acme"], "target_id": graph["Crane"], "type": "uses"}
    await talker.call("POST", "/v1/graph/relations", json=tie)
    assert await found("Crane", limit=3) == [["Acme", "Crane"], ["Acme", "Bolt", "Crane"]]


async def test_communities_and_a_layout_that_is_always_the_same(talker, graph):
    answer = await talker.call("GET", "/v1/graph/communities")
    found = answer.json()["communities"]
    assert [sorted(e["name"] for e in each["entities"]) for each in found] == [
        ["Acme", "Bolt", "Crane"], ["Drill"],
    ]  # fmt: skip
    first, second = [(await talker.call("GET", "/v1/graph/layout")).json() for _ in range(2)]
    assert first == second
    assert all(-1 <= node[axis] <= 1 for node in first["nodes"] for axis in "xy")
    assert len({(node["x"], node["y"]) for node in first["nodes"]}) == 4


async def test_a_schema_is_made_changed_deleted_and_restored(talker):
    new = {"name": "Firms", "entity_types": [{"name": "firm", "description": "A firm."}]}
    made = await talker.call("POST", "/v1/graph/schemas", json=new)
    assert made.status_code == 201, made.text
    path = made.headers["Location"]
    changed = await talker.call("PATCH", path, json={"instructions": "Only big ones."})
    assert changed.json()["entity_types"] == [{"name": "firm", "description": "A firm."}]
    twice = {"entity_types": [{"name": "firm"}, {"name": "firm"}]}
    assert (await talker.call("PATCH", path, json=twice)).status_code == 422
    foreign = await talker.call("PATCH", path, json={"parent_id": str(uuid4())})
    assert foreign.json()["code"] == "graph_target_not_found"
    assert (await talker.call("DELETE", path)).status_code == 204
    assert (await talker.call("GET", path)).json()["code"] == "graph_schema_not_found"
    assert (await talker.call("POST", f"{path}/restore")).status_code == 200
