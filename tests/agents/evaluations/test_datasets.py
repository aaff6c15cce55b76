"""Datasets: cases by hand, out of files and out of past runs, and what pins them."""

from uuid import uuid4

import pytest
import pytest_asyncio

from tests.agents.evaluations.support import begun, ended, got, made, results_of
from tests.support.chat import Talker
from tests.support.identity import new_person

MODEL = {"type": "model", "name": "demo", "model": "demo/chat?tokens=3&delay_ms=0"}


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


async def new_dataset(talker, *cases):
    return await made(talker, "/v1/datasets", {"name": "Sums", "cases": list(cases)})


async def cases_of(talker, dataset, query=""):
    return (await got(talker, f"/v1/datasets/{dataset['id']}/cases?limit=200{query}"))["data"]


async def upload(talker, dataset, content, form="jsonl"):
    path = f"/v1/datasets/{dataset['id']}/cases/import?format={form}"
    return await talker.call("POST", path, content=content)


async def test_a_dry_run_of_a_file_adds_nothing(talker):
    dataset = await new_dataset(talker)
    tried = await upload(talker, dataset, b'{"input": "1+1"}', "jsonl&dry_run=true")
    assert tried.status_code == 201, tried.text
    assert await cases_of(talker, dataset) == []


async def test_cases_are_kept_in_their_order_and_counted(talker):
    dataset = await new_dataset(talker, {"input": "1+1", "expected": "2", "tags": ["easy"]})
    assert dataset["case_count"] == 1
    messages = [{"role": "system", "content": "Add."}, {"role": "user", "content": "2+2"}]
    path = f"/v1/datasets/{dataset['id']}/cases"
    second = await made(talker, path, {"input": messages, "expected": {"sum": 4}})
    assert [each["input"] for each in await cases_of(talker, dataset)] == ["1+1", messages]
    assert [each["id"] for each in await cases_of(talker, dataset, "&tag=easy")] != [second["id"]]
    changed = await talker.call("PATCH", f"{path}/{second['id']}", json={"expected": None})
    assert (changed.json()["expected"], changed.json()["version"]) == (None, 2)
    assert (await talker.call("DELETE", f"{path}/{second['id']}")).status_code == 204
    assert (await got(talker, f"/v1/datasets/{dataset['id']}"))["case_count"] == 1
    assert (await talker.call("GET", f"{path}/{second['id']}")).json()["code"] == (
        "dataset_case_not_found"
    )


async def test_a_file_gives_the_rows_that_can_be_read_and_says_why_of_the_others(talker):
    dataset = await new_dataset(talker)
    lines = b"""{"input": "1+1", "expected": 2, "tags": ["a"]}
not json

{"input": ""}
{"messages": [{"role": "user", "content": "Hi"}], "variables": {"x": 1}}
{"input": "x", "surplus": 1}
[1]
"""
    added = (await upload(talker, dataset, lines)).json()
    assert (added["added"], added["refused"]) == (2, 4)
    assert [(each["row"], each["code"]) for each in added["refusals"]] == [
        (2, "row_malformed"),
        (4, "row_invalid"),
        (6, "row_invalid"),
        (7, "row_malformed"),
    ]
    assert added["refusals"][2]["detail"].startswith("/surplus: ")
    first, second = await cases_of(talker, dataset)
    assert (first["expected"], second["variables"]) == (2, {"x": 1})


async def test_tables_and_arrays_are_files_of_cases_too(talker):
    dataset = await new_dataset(talker)
    table = 'input,expected,tags,city,variables.year\n"a, b",c,x; y,Graz,1999\nd,,,,\n'
    assert (await upload(talker, dataset, table.encode(), "csv")).json()["added"] == 2
    first, second = await cases_of(talker, dataset)
    assert (first["input"], first["tags"]) == ("a, b", ["x", "y"])
    assert first["variables"] == {"city": "Graz", "year": "1999"}
    assert second["expected"] is None
    array = b'{"cases": [{"input": "e"}, 5]}'
    added = (await upload(talker, dataset, array, "json")).json()
    assert (added["added"], added["refused"]) == (1, 1)


@pytest.mark.parametrize(
    ("content", "form", "code"),
    [
        (b"\xff\xfe", "jsonl", "case_file_malformed"),
        (b"{", "json", "case_file_malformed"),
        (b'{"a": 1}', "json", "case_file_malformed"),
        (b"a,b\n1,2\n", "csv", "case_file_malformed"),
        (b"x" * (8 * 1024 * 1024 + 1), "jsonl", "case_file_too_large"),
    ],
)
async def test_what_is_no_such_file_is_refused_whole(talker, content, form, code):
    dataset = await new_dataset(talker)
    answer = await upload(talker, dataset, content, form)
    assert answer.json()["code"] == code
    assert await cases_of(talker, dataset) == []


async def test_a_dataset_takes_no_more_than_its_bound(talker):
    dataset = await new_dataset(talker)
    many = b'{"input": "x"}\n' * 5_001
    assert (await upload(talker, dataset, many)).json()["code"] == "dataset_full"
    assert (await upload(talker, dataset, many[: 5_000 * 15])).json()["added"] == 5_000
    path = f"/v1/datasets/{dataset['id']}/cases"
    refused = await talker.call("POST", path, json={"input": "one more"})
    assert (refused.status_code, refused.json()["code"]) == (409, "dataset_full")


async def test_past_turns_of_ones_own_become_cases_once(talker, client):
    answer = await talker.ask("What is a lease?", model=MODEL["model"])
    other = Talker(client, await new_person(client))
    foreign = await other.ask("Not yours", model=MODEL["model"])
    dataset = await new_dataset(talker)
    path = f"/v1/datasets/{dataset['id']}/cases/from-runs"
    body = {"run_ids": [answer["run_id"], foreign["run_id"], str(uuid4())], "tags": ["past"]}
    added = await made(talker, path, body)
    assert (added["added"], added["refused"]) == (1, 2)
    assert {each["code"] for each in added["refusals"]} == {"run_not_found"}
    (case,) = await cases_of(talker, dataset)
    assert (case["input"], case["run_id"], case["tags"]) == (
        "What is a lease?",
        answer["run_id"],
        ["past"],
    )
    assert case["expected"] == answer["message"]["parts"][0]["text"]
    again = await made(talker, path, {"filter": {"kinds": ["chat_turn"]}})
    assert [each["code"] for each in again["refusals"]] == ["case_exists"]
    neither = await talker.call("POST", path, json={})
    assert neither.status_code == 422


async def test_an_experiment_keeps_the_cases_as_they_were(talker):
    dataset = await new_dataset(talker, {"input": "1+1", "expected": "2"})
    graders = [{"name": "exact", "type": "exact"}]
    body = {"name": "E", "dataset_id": dataset["id"], "graders": graders}
    evaluation = await made(talker, "/v1/evaluations", body)
    first = await ended(talker, await begun(talker, evaluation, MODEL))
    same = await begun(talker, evaluation, MODEL)
    assert same["snapshot_id"] == first["snapshot_id"]
    (case,) = await cases_of(talker, dataset)
    path = f"/v1/datasets/{dataset['id']}/cases/{case['id']}"
    assert (await talker.call("PATCH", path, json={"input": "1+2"})).status_code == 200
    changed = await ended(talker, await begun(talker, evaluation, MODEL))
    assert changed["digest"] != first["digest"]
    # Back as it was, it is the same snapshot again.
    await talker.call("PATCH", path, json={"input": "1+1"})
    assert (await begun(talker, evaluation, MODEL))["digest"] == first["digest"]
    pinned = (await got(talker, f"/v1/datasets/{dataset['id']}/snapshots"))["data"]
    assert {each["digest"] for each in pinned} == {first["digest"], changed["digest"]}
    # A case that was changed between two experiments is no pair.
    compared = await talker.call(
        "GET", f"/v1/experiments/{changed['id']}/comparison?baseline={first['id']}"
    )
    assert compared.json()["code"] == "experiments_not_comparable"
    assert len(await results_of(talker, changed)) == 1


async def test_a_dataset_is_deleted_and_brought_back(talker):
    dataset = await new_dataset(talker, {"input": "x"})
    path = f"/v1/datasets/{dataset['id']}"
    assert (await talker.call("DELETE", path)).status_code == 204
    assert (await talker.call("GET", f"{path}/cases")).json()["code"] == "dataset_not_found"
    listed = await got(talker, "/v1/datasets?deleted=true")
    assert [each["id"] for each in listed["data"]] == [dataset["id"]]
    assert (await talker.call("POST", f"{path}/restore")).json()["case_count"] == 1


async def test_another_workspace_finds_nothing_of_it(talker, client):
    dataset = await new_dataset(talker, {"input": "x", "expected": "y"})
    graders = [{"name": "exact", "type": "exact"}]
    body = {"name": "E", "dataset_id": dataset["id"], "graders": graders}
    evaluation = await made(talker, "/v1/evaluations", body)
    experiment = await ended(talker, await begun(talker, evaluation, MODEL))
    (case,) = await cases_of(talker, dataset)
    stranger = Talker(client, await new_person(client))
    cases = f"/v1/datasets/{dataset['id']}/cases"
    for method, path, sent in (
        ("GET", f"/v1/datasets/{dataset['id']}", None),
        ("GET", cases, None),
        ("POST", f"{cases}/from-runs", {"filter": {}}),
        ("POST", f"{cases}/import", None),
        ("PATCH", f"{cases}/{case['id']}", {"expected": "z"}),
        ("GET", f"/v1/evaluations/{evaluation['id']}", None),
        ("POST", "/v1/evaluations", body),
        ("POST", f"/v1/evaluations/{evaluation['id']}/experiments",
         {"name": "X", "targets": [MODEL]}),
        ("POST", f"/v1/evaluations/{evaluation['id']}/gate",
         {"candidate": {"experiment_id": experiment["id"]}}),
        ("GET", f"/v1/experiments/{experiment['id']}/results", None),
        ("GET", f"/v1/experiments/{experiment['id']}/benchmark", None),
        ("GET", f"/v1/experiments/{experiment['id']}/comparison", None),
        ("POST", f"/v1/experiments/{experiment['id']}/cancel", None),
    ):  # fmt: skip
        answer = await stranger.call(method, path, json=sent)
        assert (answer.status_code, answer.json()["code"].endswith("_not_found")) == (404, True), (
            path,
            answer.text,
        )
