"""What an entry was: every version, what differs, and the way back."""

from tests.knowledge.dictionary.conftest import term


async def test_every_version_is_kept_and_shown(keeper):
    entry = await keeper.add(term("cell"))
    path = f"{keeper.entries}/{entry['id']}"
    await keeper.change(entry["id"], notes=["one"], comment="A note.")
    await keeper.do(entry["id"], "propose")
    await keeper.ask("DELETE", path)
    await keeper.do(entry["id"], "restore")
    listed = await keeper.done("GET", f"{path}/revisions?include=total")
    told = [(each["version"], each["action"], each["status"]) for each in listed["data"]]
    assert told == [
        (5, "restored", "proposed"), (4, "deleted", "proposed"), (3, "proposed", "proposed"),
        (2, "updated", "draft"), (1, "created", "draft"),
    ]  # fmt: skip
    assert listed["total"] == 5
    assert listed["data"][3]["comment"] == "A note."
    assert listed["data"][3]["changed_by_id"] == keeper.person.user_id
    page = await keeper.done("GET", f"{path}/revisions?limit=2&order=asc")
    rest = await keeper.done(
        "GET", f"{path}/revisions?limit=2&order=asc&cursor={page['next_cursor']}"
    )
    assert [each["version"] for each in rest["data"]] == [3, 4]
    second = await keeper.done("GET", f"{path}/revisions/2")
    assert (second["snapshot"]["notes"], second["snapshot"]["deleted"]) == (["one"], False)
    assert await keeper.refused("GET", f"{path}/revisions/6") == (404, "revision_not_found")
    for version in ("0", "-1", "99999999999", "last"):
        unfit = await keeper.refused("GET", f"{path}/revisions/{version}")
        assert unfit == (422, "validation_failed")


async def test_a_diff_names_fields_and_terms(keeper):
    entry = await keeper.add(term("cell"), term("cells", status="admitted"))
    first, second = entry["terms"]
    better = {**first, "note": "countable"}
    changed = await keeper.change(
        entry["id"], subject_fields=["Biology"], terms=[term("Zelle", "de"), better]
    )
    added = changed["terms"][0]
    diff = await keeper.done("GET", f"{keeper.entries}/{entry['id']}/diff?from=1&to=2")
    change = {"field": "terms", "before": None, "after": None}
    assert diff == {
        "from_version": 1,
        "to_version": 2,
        "changes": [
            {"field": "subject_fields", "term_id": None, "before": [], "after": ["Biology"]},
            {**change, "term_id": first["id"], "before": first, "after": better},
            {**change, "term_id": second["id"], "before": second},
            {**change, "term_id": added["id"], "after": added},
            {
                "field": "term_order", "term_id": None,
                "before": [first["id"], second["id"]], "after": [added["id"], first["id"]],
            },
        ],
    }  # fmt: skip
    assert await keeper.done("GET", f"{keeper.entries}/{entry['id']}/diff") == diff
    none = await keeper.done("GET", f"{keeper.entries}/{entry['id']}/diff?from=2&to=2")
    assert none["changes"] == []


async def test_going_back_brings_terms_back_with_their_ids(keeper):
    entry = await keeper.add(term("cell"), term("cells", status="admitted"), notes=["old"])
    await keeper.change(entry["id"], terms=[term("unit")], notes=[])
    back = await keeper.do(entry["id"], "revert", {"version": 1})
    assert (back["terms"], back["notes"], back["version"]) == (entry["terms"], ["old"], 3)
    assert (await keeper.do(entry["id"], "revert", {"version": 1}))["version"] == 3
    path = f"{keeper.entries}/{entry['id']}/revert"
    assert await keeper.refused("POST", path, {"version": 9}) == (404, "revision_not_found")
