"""Entries: written whole, changed in part, found again, and refused where they contradict."""

from uuid import uuid4

from tests.knowledge.dictionary.conftest import new_keeper, term
from tests.support.identity import new_person


async def test_an_entry_keeps_all_that_it_says(keeper):
    wide = await keeper.add(term("unit"))
    said = {
        "external_id": "bio-1",
        "subject_fields": ["Biology"],
        "definitions": [{"language": "en", "text": "The unit of life.", "source": "Hooke"}],
        "examples": [{"language": "de", "text": "Jede Zelle teilt sich."}],
        "notes": ["Not the prison one."],
        "sources": [{"title": "Micrographia", "url": "https://example.com/m"}],
        "relations": [
            {"kind": "broader", "target_id": wide["id"], "target_uri": None},
            {"kind": "same_as", "target_id": None, "target_uri": "https://example.com/cell"},
        ],
        "metadata": {"team": "lab"},
    }
    terms = (
        term("cell", part_of_speech="noun", note="countable"),
        term("Zelle", "de_at"),
        term("cellule", status="forbidden"),
    )
    made = await keeper.add(*terms, **said)
    assert {name: made[name] for name in said} == said
    assert [(t["language"], t["text"], t["status"]) for t in made["terms"]] == [
        ("en", "cell", "preferred"), ("de-AT", "Zelle", "preferred"),
        ("en", "cellule", "forbidden"),
    ]  # fmt: skip
    assert (made["status"], made["version"], made["languages"]) == ("draft", 1, ["de-AT", "en"])
    assert await keeper.show(made["id"]) == made
    assert (await keeper.show(wide["id"]))["inverse_relations"] == [
        {"kind": "narrower", "entry_id": made["id"]}
    ]


async def test_text_is_kept_in_normal_form(keeper):
    made = await keeper.add(term("  cafe\u0301\n noir "), notes=["a\r\nb"])
    assert made["terms"][0]["text"] == "caf\u00e9 noir"
    assert made["notes"] == ["a\nb"]


async def test_a_term_keeps_its_id_when_it_is_changed_in_place_or_named(keeper):
    made = await keeper.add(term("cell"), term("cells", status="admitted"))
    first, second = made["terms"]
    renamed = {**first, "text": "living cell"}
    kept = {name: value for name, value in second.items() if name != "id"}
    changed = await keeper.change(made["id"], terms=[kept, renamed, term("zelle", "de")])
    assert [t["id"] for t in changed["terms"][:2]] == [second["id"], first["id"]]
    assert changed["version"] == 2
    refusal = await keeper.ask(
        "PATCH", f"{keeper.entries}/{made['id']}", {"terms": [{**first, "id": str(uuid4())}]}
    )
    assert refusal.status_code == 422
    assert refusal.json()["errors"][0]["pointer"] == "/body/terms/0/id"


async def test_a_change_that_changes_nothing_leaves_the_version(keeper):
    made = await keeper.add(term("cell"), subject_fields=["Biology"])
    same = await keeper.change(made["id"], subject_fields=["Biology"], terms=made["terms"])
    assert same == made


async def test_what_contradicts_itself_is_refused_with_a_pointer(keeper):
    entry = await keeper.add(term("cell"))
    own = [{"kind": "related", "target_id": entry["id"]}]
    refused = {
        "/body/terms/1": {"terms": [term("a"), term("a", status="admitted")]},
        "/body/terms/1/status": {"terms": [term("a"), term("b")]},
        "/body/notes/1": {"notes": ["x", "x"]},
        "/body/subject_fields/1": {"subject_fields": ["Law", "law"]},
        "/body/relations/0/target_id": {"relations": own},
        "/body/relations/0": {"relations": [{"kind": "related"}]},
        "/body/relations/0/target_uri": {
            "relations": [{"kind": "broader", "target_uri": "https://example.com"}]
        },
        "/body/terms/0/language": {"terms": [term("a", "english")]},
        "/body/terms/0/text": {"terms": [term("a\u0007")]},
        "/body/terms": {"terms": []},
    }
    for pointer, body in refused.items():
        answer = await keeper.ask("PATCH", f"{keeper.entries}/{entry['id']}", body)
        assert answer.status_code == 422, (pointer, answer.text)
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert await keeper.show(entry["id"]) == entry


async def test_an_external_id_is_taken_once_among_living_entries(keeper):
    first = await keeper.add(term("cell"), external_id="x")
    body = {"dictionary_id": keeper.dictionary_id, "terms": [term("b")], "external_id": "x"}
    taken = (409, "external_id_taken")
    assert await keeper.refused("POST", keeper.entries, body) == taken
    await keeper.ask("DELETE", f"{keeper.entries}/{first['id']}")
    await keeper.made(keeper.entries, body)
    assert await keeper.refused("POST", f"{keeper.entries}/{first['id']}/restore") == taken


async def test_what_is_deleted_comes_back_as_it_was(keeper):
    made = await keeper.add(term("cell"))
    gone = await keeper.ask("DELETE", f"{keeper.entries}/{made['id']}", **{"If-Match": '"v1"'})
    assert gone.status_code == 204
    assert await keeper.refused("GET", f"{keeper.entries}/{made['id']}") == (
        404, "entry_not_found",
    )  # fmt: skip
    listed = await keeper.done("GET", f"{keeper.entries}?deleted=true")
    assert [entry["id"] for entry in listed["data"]] == [made["id"]]
    back = await keeper.do(made["id"], "restore")
    assert (back["terms"], back["version"], back["deleted_at"]) == (made["terms"], 3, None)


async def test_of_two_changes_with_one_etag_the_second_is_refused(keeper):
    made = await keeper.add(term("cell"))
    path = f"{keeper.entries}/{made['id']}"
    shown = await keeper.ask("GET", path)
    assert shown.headers["etag"] == '"v1"'
    first = await keeper.ask("PATCH", path, {"notes": ["a"]}, **{"If-Match": '"v1"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"v2"')
    second = await keeper.ask("PATCH", path, {"notes": ["b"]}, **{"If-Match": '"v1"'})
    assert (second.status_code, second.json()["code"]) == (412, "precondition_failed")


async def test_a_dry_run_leaves_nothing(keeper):
    body = {"dictionary_id": keeper.dictionary_id, "terms": [term("cell")]}
    tried = await keeper.ask("POST", f"{keeper.entries}?dry_run=true", body)
    assert (tried.status_code, tried.headers["dry-run"]) == (201, "true")
    assert (await keeper.done("GET", f"{keeper.entries}?include=total"))["total"] == 0


async def test_a_repeated_post_makes_one_entry(keeper):
    body = {"dictionary_id": keeper.dictionary_id, "terms": [term("cell")]}
    key = {"Idempotency-Key": str(uuid4())}
    first = await keeper.ask("POST", keeper.entries, body, **key)
    again = await keeper.ask("POST", keeper.entries, body, **key)
    assert again.text == first.text
    assert again.headers["idempotency-replayed"] == "true"
    assert first.headers["location"] == f"{keeper.entries}/{first.json()['id']}"


async def test_entries_are_found_by_filters_and_the_facets_count_the_same(keeper):
    other = await keeper.made("/v1/dictionaries", {"slug": "other"})
    await keeper.add(term("Cell"), term("Zelle", "de-AT"), subject_fields=["Biology"])
    await keeper.add(term("cell phone"), subject_fields=["Telecoms"], status="approved")
    await keeper.add(
        term("100%_sure"), dictionary_id=other["id"],
        definitions=[{"language": "en", "text": "Without any doubt."}],
    )  # fmt: skip
    expected = {
        "": 3,
        "term=CELL": 2,
        "term=100%25_": 1,
        "term=1000": 0,
        "term_exact=cell": 1,
        "language=de": 1,
        "language=de&term=cell": 0,
        "subject_field=biology": 1,
        "status=approved": 1,
        f"dictionary_id={other['id']}": 1,
        "q=doubt": 1,
        "q=phone": 1,
        "q=cell -phone": 1,
        "updated_since=2026-01-01T00:00:00Z": 3,
        "updated_since=2999-01-01T00:00:00Z": 0,
    }
    for query, count in expected.items():
        listed = await keeper.done("GET", f"{keeper.entries}?{query}&include=total")
        assert (listed["total"], len(listed["data"])) == (count, count), query
        facets = await keeper.done("GET", f"/v1/dictionary/facets?{query}")
        assert facets["total"] == count, query
        for name in ("status", "dictionary"):
            assert sum(each["count"] for each in facets[name]) == count, query
    facets = await keeper.done("GET", "/v1/dictionary/facets")
    told = {
        name: {each["value"]: each["count"] for each in facets[name]}
        for name in ("status", "subject_field", "language", "dictionary")
    }
    assert told == {
        "status": {"draft": 2, "approved": 1},
        "subject_field": {"Biology": 1, "Telecoms": 1},
        "language": {"en": 3, "de-AT": 1},
        "dictionary": {keeper.dictionary_id: 2, other["id"]: 1},
    }


async def test_a_list_finds_what_is_written_without_spaces(keeper):
    await keeper.add(term("年次有給休暇", "ja"), term("paid leave"))
    await keeper.add(term("API設計", "ja"))
    found = {
        "休暇": 1, "休暇 leave": 1, "休暇 -paid": 0, "api設計": 1, "設計": 1, "設計 休暇": 0,
        "-休暇": 1, '"有給休暇"': 1, "休有": 0,
    }  # fmt: skip
    for q, count in found.items():
        answer = await keeper.http.get(
            keeper.entries, params={"q": q}, headers=keeper.person.headers
        )
        assert len(answer.json()["data"]) == count, q


async def test_a_list_knows_no_accents_and_no_typographic_marks(keeper):
    await keeper.add(term("Électricité d’État", "fr"))  # noqa: RUF001
    said = {"language": "fr", "text": "Łódź – “naïve”"}  # noqa: RUF001
    await keeper.add(term("electricite"), definitions=[said])
    found = {
        "q=electricite": 2, "q=ÉLECTRICITÉ": 2, "q=etat": 1, 'q="électricité d\'etat"': 1,
        "q=lodz naive": 1, "q=electricite -État": 1,
        "term=electri": 2, "term=Électricité D": 1, "term=état": 0,
        "term_exact=electricite": 1, "term_exact=électricité": 0,
    }  # fmt: skip
    for query, count in found.items():
        listed = await keeper.done("GET", f"{keeper.entries}?{query}")
        assert len(listed["data"]) == count, query


async def test_a_list_is_walked_to_its_end_by_creation_and_by_change(keeper):
    made = [await keeper.add(term(f"word {n}")) for n in range(5)]
    await keeper.change(made[0]["id"], notes=["touched"])
    for sort, first in (("created_at", made[4]), ("updated_at", made[0])):
        seen, cursor = [], ""
        while cursor is not None:
            page = await keeper.done("GET", f"{keeper.entries}?limit=2&sort={sort}" + cursor)
            seen += [entry["id"] for entry in page["data"]]
            cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
        assert seen[0] == first["id"]
        assert sorted(seen) == sorted(entry["id"] for entry in made)


async def test_nothing_of_another_workspace_is_named_or_shown(keeper, client):
    stranger = await new_keeper(client, await new_person(client))
    theirs = await stranger.add(term("secret"))
    path = f"{keeper.entries}/{theirs['id']}"
    missing = (404, "entry_not_found")
    for method, tail, body in (
        ("GET", "", None), ("PATCH", "", {"notes": ["x"]}), ("DELETE", "", None),
        ("POST", "/restore", None), ("POST", "/propose", None), ("POST", "/approve", None),
        ("POST", "/revert", {"version": 1}), ("GET", "/revisions", None),
        ("GET", "/revisions/1", None), ("GET", "/diff?from=1&to=1", None),
    ):  # fmt: skip
        assert await keeper.refused(method, path + tail, body) == missing, tail
    mine = await keeper.add(term("mine"))
    for body in (
        {"relations": [{"kind": "related", "target_id": theirs["id"]}]},
        {"relations": [{"kind": "related", "target_id": str(uuid4())}]},
    ):
        answer = await keeper.ask("PATCH", f"{keeper.entries}/{mine['id']}", body)
        assert answer.json()["errors"][0]["code"] == "entry_not_found"
    foreign = {"dictionary_id": stranger.dictionary_id, "terms": [term("x")]}
    assert await keeper.refused("POST", keeper.entries, foreign) == (404, "dictionary_not_found")
    replaced = {"replaced_by_id": theirs["id"]}
    answer = await keeper.ask("POST", f"{keeper.entries}/{mine['id']}/deprecate", replaced)
    assert answer.json()["errors"][0]["pointer"] == "/body/replaced_by_id"
    listed = await keeper.done("GET", f"{keeper.entries}?dictionary_id={stranger.dictionary_id}")
    assert listed["data"] == []
