"""Files into dictionaries and out of them, over the API."""

import csv
import io
import json
from uuid import UUID

import pytest

from app.core.db import Scope
from app.knowledge.exchange.models import DictionaryImport
from tests.knowledge.exchange.desk import counts
from tests.support.identity import until

FULL = {
    "external_id": "bio-1",
    "subject_fields": ["Biology", "Medicine; general"],
    "definitions": [
        {"language": "en", "text": "The smallest unit.\nOf life.", "source": "A book"},
        {"language": "en", "text": "Another one."},
        {"language": "he", "text": "יחידת החיים הקטנה ביותר"},
    ],
    "examples": [{"language": "de", "text": "Eine Zelle teilt sich."}],
    "notes": ["=1+1", "A note"],
    "sources": [
        {"title": "Encyclopedia", "url": "https://example.com/cell"},
        {"title": "By word of mouth"},
    ],
    "terms": [
        {"language": "en", "text": "cell", "status": "preferred", "part_of_speech": "noun"},
        {"language": "de-AT", "text": "Zelle", "status": "preferred", "note": "f."},
        {"language": "en", "text": "cyto", "status": "abbreviation"},
        {"language": "en", "text": "=cmd|'/C calc'!A0", "status": "forbidden"},
    ],
    "metadata": {"origin": {"list": [1, 2.5, None]}},
    "status": "approved",
}


def said(entries):
    """What entries say, without what is theirs alone; relations by what they lead to."""
    names = {entry["id"]: entry["terms"][0]["text"] for entry in entries}
    kept = ("external_id", "status", "subject_fields", "definitions", "examples", "notes",
            "sources", "metadata")  # fmt: skip
    return sorted(
        (
            {
                **{name: entry[name] for name in kept},
                "terms": [{k: v for k, v in t.items() if k != "id"} for t in entry["terms"]],
                "relations": [
                    (r["kind"], names.get(r["target_id"]), r["target_uri"])
                    for r in entry["relations"]
                ],
                "replaced_by": names.get(entry["replaced_by_id"]),
            }
            for entry in entries
        ),
        key=lambda each: each["terms"][0]["text"],
    )


async def filled(desk):
    """A dictionary whose entries lead to each other, in a ring too."""
    cell = await desk.entry(**FULL)
    tissue = await desk.entry(
        terms=[{"language": "en", "text": "tissue", "status": "preferred"}],
        relations=[
            {"kind": "narrower", "target_id": cell["id"]},
            {"kind": "same_as", "target_uri": "https://example.org/tissue"},
        ],
    )
    change = {"relations": [{"kind": "related", "target_id": tissue["id"]}]}
    path = f"/v1/dictionary/entries/{cell['id']}"
    answer = await desk.call("PATCH", path, json=change)
    assert answer.status_code == 200, answer.text
    old = await desk.entry(terms=[{"language": "en", "text": "cellula", "status": "admitted"}])
    path = f"/v1/dictionary/entries/{old['id']}/deprecate"
    await desk.call("POST", path, json={"replaced_by_id": cell["id"]})


@pytest.mark.parametrize("form", ["tbx", "turtle", "jsonld", "csv", "json"])
async def test_an_exported_dictionary_is_the_same_once_it_is_imported_again(desk, form):
    await filled(desk)
    copy = await desk.another()
    content = await desk.export(form)
    done = await copy.take(content, form)
    assert (done["status"], counts(done)) == ("completed", {"total": 3, "created": 3}), done
    assert said(await copy.entries()) == said(await desk.entries())
    again = await copy.take(content, form)
    assert counts(again) == {"total": 3, "unchanged": 3}
    own = await desk.take(content, form, mode="replace")
    assert counts(own) == {"total": 3, "unchanged": 3}


async def test_refused_rows_say_where_and_why_and_the_others_are_taken_in(desk):
    content = (
        "concept,language,term,term_status,broader\n"
        "a,en,alpha,preferred,\n"
        "b,xx!,beta,preferred,\n"
        "c,en,gamma,favourite,\n"
        "d,en,delta,preferred,nowhere\n"
        "a,en,again,preferred,\n"
        "e,en,epsilon,preferred,a\n"
    )
    done = await desk.take(content)
    assert counts(done) == {"total": 6, "created": 2, "refused": 4}
    rejects = await desk.rejects(done["id"])
    assert [(each["line"], each["key"]) for each in rejects] == [
        (3, "b"), (4, "c"), (5, "d"), (6, "a"),
    ]  # fmt: skip
    reasons = [each["reason"] for each in rejects]
    assert "/terms/0/language" in reasons[0]
    assert "/terms/0/status" in reasons[1]
    assert "'nowhere'" in reasons[2]
    assert "called as another one" in reasons[3]
    assert await desk.words() == [["alpha"], ["epsilon"]]


async def test_a_concept_with_more_terms_than_a_query_takes_is_refused_alone(desk):
    # Short ones: the file of a concept has a bound, too.
    words = [chr(0x4E00 + number) for number in range(12_000)]
    terms = [{"language": "en", "text": word, "status": "admitted"} for word in words]
    concepts = [{"id": "a", "terms": terms}, {"id": "b", "terms": terms[:1]}]
    done = await desk.take(json.dumps({"concepts": concepts}), "json")
    assert counts(done) == {"total": 2, "created": 1, "refused": 1}, done


async def test_a_status_that_there_is_not_is_refused(desk):
    done = await desk.take("language,term,status\nen,one,favourite\nen,two,approved\n")
    assert counts(done) == {"total": 2, "created": 1, "refused": 1}
    assert "/status" in (await desk.rejects(done["id"]))[0]["reason"]
    assert await desk.words() == [["two"]]


async def test_a_name_that_no_index_holds_is_refused_alone(desk):
    # Each character is three bytes, and nothing of them can be compressed.
    long = "".join(chr(0x4E00 + (n * n * 7919 + n * 104_729) % 20_000) for n in range(1_900))
    done = await desk.take(f"concept,language,term\n{long},en,alpha\nb,en,beta\n")
    assert counts(done) == {"total": 2, "created": 1, "refused": 1}
    assert "longer than" in (await desk.rejects(done["id"]))[0]["reason"]


async def test_nothing_of_a_malformed_file_is_imported_unless_that_is_asked_for(desk):
    good = b"concept,language,term\n" + b"".join(f"c{n},en,word {n}\n".encode() for n in range(210))
    content = good + b'x,en,"never closed\n'
    done = await desk.take(content)
    assert (done["status"], done["error"]["code"]) == ("failed", "import_malformed")
    assert "line 21" in done["error"]["detail"]
    assert await desk.entries() == []
    # The last one before the fault might have gone on behind it.
    done = await desk.take(content, continue_on_error=True)
    assert (done["status"], done["created"]) == ("completed", 209)


async def test_merging_keeps_what_the_file_leaves_out_and_replacing_does_not(desk):
    await desk.entry(**FULL)
    await desk.entry(terms=[{"language": "en", "text": "gone", "status": "preferred"}])
    content = "external_id,language,term,term_status\nbio-1,de,Zelle,preferred\n"
    done = await desk.take(content)
    assert counts(done) == {"total": 1, "updated": 1}
    [cell] = [entry for entry in await desk.entries() if entry["external_id"]]
    assert [term["language"] for term in cell["terms"]] == ["de", "en", "de-AT", "en", "en"]
    assert len(cell["definitions"]) == 3
    assert cell["status"] == "approved"
    done = await desk.take(content, mode="replace")
    assert counts(done) == {"total": 1, "updated": 1, "removed": 1}
    [cell] = await desk.entries()
    assert [term["text"] for term in cell["terms"]] == ["Zelle"]
    assert cell["definitions"] == []


async def test_what_somebody_changes_while_a_file_is_merged_is_not_lost(desk, kernel):
    await desk.entry(**FULL)
    async with desk.changing(kernel, "bio-1", notes=["Meanwhile"]):
        started = await desk.send("external_id,language,term\nbio-1,he,תא\n")
    assert (await desk.ended(started.json()["id"]))["updated"] == 1
    [cell] = await desk.entries()
    assert cell["notes"] == ["Meanwhile"]


async def test_entries_without_ids_are_found_by_their_preferred_terms(desk):
    content = "language,term,subject_fields\nen,bank,Money\nen,bank,Rivers\nen,mouse,\n"
    assert counts(await desk.take(content)) == {"total": 3, "created": 3}
    assert counts(await desk.take(content)) == {"total": 3, "unchanged": 3}
    only = await desk.take("language,term,definition\nen,bank,Unclear.\n")
    [reject] = await desk.rejects(only["id"])
    assert "2 entries have this term" in reject["reason"]


async def test_a_language_is_the_same_however_a_file_writes_it(desk):
    for written, outcome in (("de-AT", "created"), ("DE_at", "unchanged")):
        done = await desk.take(f"language,term,definition\n{written},Zelle,Klein.\n")
        assert counts(done) == {"total": 1, outcome: 1}, await desk.rejects(done["id"])
    [entry] = await desk.entries()
    assert [term["language"] for term in entry["terms"]] == ["de-AT"]


async def test_create_only_leaves_what_is_there(desk):
    await desk.entry(**FULL)
    content = "external_id,language,term\nbio-1,en,changed\nbio-2,en,new\n"
    done = await desk.take(content, mode="create_only")
    assert counts(done) == {"total": 2, "created": 1, "refused": 1}
    assert "there already" in (await desk.rejects(done["id"]))[0]["reason"]
    assert ["changed"] not in await desk.words()


async def test_a_ring_of_broader_concepts_is_refused_and_nothing_of_it_stays(desk):
    content = (
        "concept,language,term,broader\na,en,alpha,b\nb,en,beta,a\nc,en,gamma,c\nd,en,delta,\n"
    )
    done = await desk.take(content)
    assert counts(done) == {"total": 4, "created": 2, "refused": 2}
    assert len(await desk.entries()) == 2
    assert all(
        entry["terms"][0]["text"] in ("alpha", "beta", "delta") for entry in await desk.entries()
    )


async def test_a_dry_run_tells_what_would_come_of_it_and_changes_nothing(desk):
    await desk.entry(**FULL)
    content = "external_id,language,term\nbio-1,en,changed\nbio-2,en,new\nbio-3,!,bad\n"
    answer = await desk.send(content, dry_run=True)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert counts(told) == {"total": 3, "created": 1, "updated": 1, "refused": 1}
    assert [(each["line"], each["key"]) for each in told["rejects"]] == [(4, "bio-3")]
    assert len(await desk.entries()) == 1
    assert (await desk.call("GET", f"/v1/dictionary/imports/{told['id']}")).status_code == 404
    empty = await desk.send("external_id,language,term\n", dry_run=True)
    assert (empty.status_code, counts(empty.json())) == (201, {})
    cut = content + 'bio-4,en,"never closed\n'
    assert (await desk.send(cut, dry_run=True)).json()["code"] == "import_malformed"
    told = (await desk.send(cut, dry_run=True, continue_on_error=True)).json()
    assert counts(told) == {"total": 2, "created": 1, "updated": 1}


async def test_an_import_that_is_broken_off_leaves_nothing_half_done(desk, kernel):
    # Each leads to the one after it: all but the last one wait to be related.
    rows = [f"c{n},en,word {n},{f'c{n + 1}' if n < 399 else ''}\n" for n in range(400)]
    started = (await desk.send("concept,language,term,related\n" + "".join(rows))).json()
    path = f"/v1/dictionary/imports/{started['id']}"

    async def begun():
        return (await desk.call("GET", path)).json()["stage"] in ("writing", "relating")

    await until(begun, 60)
    assert (await desk.call("POST", f"/v1/runs/{started['run_id']}/cancel")).status_code < 300
    done = await desk.ended(started["id"], 60)
    assert done["status"] == "cancelled"
    # Those that stay are whole, and the others are not even kept to be restored.
    query = {"dictionary_id": desk.dictionary, "include": "total", "limit": 1}
    found = (await desk.call("GET", "/v1/dictionary/entries", params=query)).json()
    assert found["total"] == done["created"]
    query["deleted"] = True
    gone = (await desk.call("GET", "/v1/dictionary/entries", params=query)).json()
    assert gone["total"] == 0


async def test_an_export_is_narrowed_by_status_and_language(desk):
    await filled(desk)
    found = (await desk.export("csv", status="approved", languages="de-AT")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(found)))
    assert [(row["language"], row["term"]) for row in rows] == [("de-AT", "Zelle")]


async def test_an_export_is_named_and_typed(desk):
    path = f"/v1/dictionaries/{desk.dictionary}/export"
    for form, media in (("tbx", "application/x-tbx"), ("turtle", "text/turtle")):
        answer = await desk.call("GET", path, params={"format": form})
        assert answer.headers["content-type"].startswith(media)
        assert "attachment" in answer.headers["content-disposition"]


async def test_the_events_of_an_import_tell_its_steps(desk):
    done = await desk.take("language,term\nen,one\nen,two\n")
    answer = await desk.call("GET", f"/v1/runs/{done['run_id']}/events")
    types = [line[7:] for line in answer.text.splitlines() if line.startswith("event: ")]
    assert types[0] == "run.created"
    assert types[-1] == "run.completed"
    assert types.count("step.completed") == 4


async def test_two_imports_into_one_dictionary_do_not_run_together(desk, kernel):
    done = await desk.take("language,term\nen,one\n")
    async with kernel.database.unit(Scope(UUID(desk.person.workspace_id))) as session:
        held = await session.get(DictionaryImport, done["id"])
        held.status = "in_progress"
    answer = await desk.send("language,term\nen,two\n")
    assert (answer.status_code, answer.json()["code"]) == (409, "import_under_way")


async def test_a_repeated_key_starts_one_import(desk):
    path = f"/v1/dictionaries/{desk.dictionary}/imports?format=csv"
    headers = {"Idempotency-Key": "once", **desk.person.headers}
    first, second = [
        await desk.call("POST", path, content=b"language,term\nen,one\n", headers=headers)
        for _ in range(2)
    ]
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["idempotency-replayed"] == "true"


async def test_a_form_is_taken_too_and_the_name_tells_the_format(desk):
    path = f"/v1/dictionaries/{desk.dictionary}/imports"
    files = {"file": ("words.csv", b"language,term\nen,one\n", "application/octet-stream")}
    answer = await desk.call("POST", path, files=files)
    assert answer.status_code == 201, answer.text
    assert (await desk.ended(answer.json()["id"]))["created"] == 1
    odd = {"file": ("\x00" + "w" * 300 + ".csv", b"language,term\nen,one\n")}
    answer = await desk.call("POST", path, files=odd)
    assert (answer.status_code, len(answer.json()["name"])) == (201, 200), answer.text
    await desk.ended(answer.json()["id"])
    answer = await desk.send(b"x", None)
    assert answer.json()["code"] == "import_format_unknown"
