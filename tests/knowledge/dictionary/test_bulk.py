"""Many entries at once, each on its own."""

from tests.knowledge.dictionary.conftest import term

BULK = "/v1/dictionary/entries/bulk"


async def test_each_item_is_done_or_refused_by_itself(keeper):
    kept, changed, gone, back = [await keeper.add(term(name)) for name in "abcd"]
    await keeper.ask("DELETE", f"{keeper.entries}/{back['id']}")
    new = {"dictionary_id": keeper.dictionary_id, "terms": [term("new")]}
    items = [
        {"action": "create", "entry": new},
        {"action": "create", "entry": {**new, "terms": [term("x"), term("y")]}},
        {"action": "update", "id": changed["id"], "version": 1, "change": {"notes": ["n"]}},
        {"action": "update", "id": kept["id"], "version": 7, "change": {"notes": ["n"]}},
        {"action": "delete", "id": gone["id"]},
        {"action": "restore", "id": back["id"]},
        {"action": "propose", "id": changed["id"]},
        {"action": "approve", "id": changed["id"], "comment": "ok"},
        {"action": "reject", "id": changed["id"]},
        {"action": "approve", "id": keeper.dictionary_id},
    ]
    done = (await keeper.done("POST", BULK, {"items": items}))["data"]
    assert [each["error"] and each["error"]["code"] for each in done] == [
        None, "entry_invalid", None, "precondition_failed", None, None, None, None,
        "entry_invalid", "entry_not_found",
    ]  # fmt: skip
    assert done[1]["error"]["errors"][0]["pointer"] == "/body/items/1/entry/terms/1/status"
    assert (await keeper.show(done[0]["id"]))["terms"][0]["text"] == "new"
    after = await keeper.show(changed["id"])
    assert (after["notes"], after["status"], after["version"]) == (["n"], "approved", 4)
    listed = await keeper.done("GET", f"{keeper.entries}?include=total")
    assert listed["total"] == 4


async def test_an_item_that_fails_leaves_nothing_of_itself(keeper):
    await keeper.add(term("a"), external_id="taken")
    entry = {
        "dictionary_id": keeper.dictionary_id, "terms": [term("b")], "external_id": "taken",
    }  # fmt: skip
    items = [
        {"action": "create", "entry": entry},
        {"action": "create", "entry": {**entry, "external_id": "free"}},
    ]
    first, second = (await keeper.done("POST", BULK, {"items": items}))["data"]
    assert (first["id"], first["error"]["code"]) == (None, "external_id_taken")
    listed = await keeper.done("GET", keeper.entries)
    assert {each["external_id"] for each in listed["data"]} == {"taken", "free"}
    history = await keeper.done("GET", f"{keeper.entries}/{second['id']}/revisions")
    assert [each["version"] for each in history["data"]] == [1]


async def test_five_hundred_and_no_more(keeper):
    entry = {"dictionary_id": keeper.dictionary_id}
    items = [{"action": "create", "entry": {**entry, "terms": [term(f"w{n}")]}} for n in range(501)]
    assert await keeper.refused("POST", BULK, {"items": items}) == (422, "validation_failed")
    done = await keeper.done("POST", BULK, {"items": items[:500]})
    assert all(each["ok"] for each in done["data"])
    counted = await keeper.done("GET", f"/v1/dictionaries/{keeper.dictionary_id}?include=counts")
    assert counted["counts"]["total"] == 500
