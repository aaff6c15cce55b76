"""Evaluations as runs: the figures of every configuration, question by question."""

import pytest_asyncio

from app.core.vectors import VectorsAway
from tests.knowledge.search.test_routes import new_termbase
from tests.support.chat import Talker
from tests.support.identity import new_person, until
from tests.support.knowledge import indexed

MEANT = {
    "guest": "somebody sleeping over",
    "tenant": "the one who signed the lease",
    "deposit": "cash kept in case something breaks",
    "boiler": "machine for hot showers",
}


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest_asyncio.fixture(loop_scope="session")
async def house(app, talker):
    ids = await new_termbase(talker)
    await indexed(app, talker.person.workspace_id)
    return ids


def questions_for(house):
    return [{"question": text, "relevant": [{"id": house[name]}]} for name, text in MEANT.items()]


async def made(talker, path, body, status=201):
    answer = await talker.call("POST", path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def ended(talker, evaluation):
    path = f"/v1/search/evaluations/{evaluation['id']}"

    async def is_over():
        return (await talker.call("GET", path)).json()["status"] != "running"

    await until(is_over)
    return (await talker.call("GET", path)).json()


async def test_the_usual_ways_are_measured_against_each_other(talker, house):
    body = {"name": "Paraphrases", "questions": questions_for(house)}
    evaluation = await ended(talker, await made(talker, "/v1/search/evaluations", body))
    assert evaluation["status"] == "completed"
    figures = {each["label"]: each for each in evaluation["results"]["configurations"]}
    assert list(figures) == ["lexical", "semantic", "hybrid"]
    # Nobody has the words of the entries, all of them the meaning.
    assert figures["lexical"]["recall"] < figures["semantic"]["recall"]
    assert figures["semantic"]["mrr"] > 0.7
    assert figures["hybrid"]["recall"] == 1
    for each in evaluation["results"]["comparisons"]:
        assert each["baseline"] == "lexical"
        assert each["recall"]["low"] <= each["recall"]["mean"] <= each["recall"]["high"]
        assert each["recall"]["mean"] > 0


async def test_every_question_tells_what_was_found_for_it(talker, house):
    body = {
        "name": "One way",
        "questions": questions_for(house),
        "configurations": [{"label": "meaning", "mode": "semantic", "k": 1}],
        "filters": {"dictionaries": [house["dictionary"]]},
    }
    evaluation = await ended(talker, await made(talker, "/v1/search/evaluations", body))
    path = f"/v1/search/evaluations/{evaluation['id']}/questions"
    first = (await talker.call("GET", f"{path}?limit=3")).json()
    assert first["has_more"]
    more = await talker.call("GET", f"{path}?limit=3&cursor={first['next_cursor']}")
    questions = [*first["data"], *more.json()["data"]]
    assert [each["question"] for each in questions] == list(MEANT.values())
    for each, name in zip(questions, MEANT, strict=True):
        (outcome,) = each["outcomes"]
        assert (outcome["recall"] == 1) == (outcome["found"] == [house[name]])


async def test_a_stored_set_is_asked_and_may_change_later(talker, house):
    sets = "/v1/search/question-sets"
    kept = await made(talker, sets, {"name": "Mine", "questions": questions_for(house)})
    body = {
        "name": "Set",
        "question_set_id": kept["id"],
        "configurations": [{"label": "words", "mode": "lexical"}],
    }
    evaluation = await ended(talker, await made(talker, "/v1/search/evaluations", body))
    assert evaluation["question_count"] == 4
    change = {"questions": questions_for(house)[:1]}
    changed = await talker.call("PATCH", f"{sets}/{kept['id']}", json=change)
    assert len(changed.json()["questions"]) == 1
    asked = await talker.call("GET", f"/v1/search/evaluations/{evaluation['id']}/questions")
    assert len(asked.json()["data"]) == 4
    listed = await talker.call("GET", f"/v1/search/evaluations?question_set_id={kept['id']}")
    assert [each["id"] for each in listed.json()["data"]] == [evaluation["id"]]
    assert (await talker.call("DELETE", f"{sets}/{kept['id']}")).status_code == 204
    assert (await talker.call("POST", "/v1/search/evaluations", json=body)).status_code == 404
    back = await talker.call("POST", f"{sets}/{kept['id']}/restore")
    assert len(back.json()["questions"]) == 1


async def test_a_trial_starts_nothing(talker, house):
    body = {"name": "Dry", "questions": questions_for(house)}
    tried = await talker.call("POST", "/v1/search/evaluations?dry_run=true", json=body)
    assert tried.status_code == 201
    assert (await talker.call("GET", "/v1/search/evaluations")).json()["data"] == []


async def test_without_the_store_there_are_no_figures(app, talker, house, monkeypatch):
    async def away(*_):
        raise VectorsAway("nobody there")

    monkeypatch.setattr(type(app.state.knowledge.index), "search", away)
    body = {"name": "Away", "questions": questions_for(house)}
    evaluation = await ended(talker, await made(talker, "/v1/search/evaluations", body))
    assert (evaluation["status"], evaluation["results"]) == ("failed", None)
    run = (await talker.call("GET", f"/v1/runs/{evaluation['run_id']}")).json()
    assert run["error"]["code"] == "search_unavailable"


async def test_what_cannot_be_asked_counts_nothing_and_says_why(talker, house):
    body = {
        "name": "No reranker",
        "questions": questions_for(house)[:2],
        "configurations": [
            {"label": "words", "mode": "lexical"},
            {"label": "reranked", "rerank": {"model": "nobody/rerank-1"}},
        ],
    }
    evaluation = await ended(talker, await made(talker, "/v1/search/evaluations", body))
    figures = evaluation["results"]["configurations"][1]
    assert (figures["failed"], figures["recall"]) == (2, 0)
    asked = await talker.call("GET", f"/v1/search/evaluations/{evaluation['id']}/questions")
    outcomes = asked.json()["data"][0]["outcomes"]
    assert [each["error"] and each["error"]["code"] for each in outcomes] == [
        None,
        "reranker_unknown",
    ]


async def test_a_question_set_must_be_whole(talker, house):
    questions = questions_for(house)
    for body in (
        {"name": "Neither"},
        {"name": "Both", "questions": questions, "question_set_id": house["guest"]},
        {
            "name": "Twice",
            "questions": [{**questions[0], "relevant": questions[0]["relevant"] * 2}],
        },
        {
            "name": "Labels",
            "questions": questions,
            "configurations": [{"label": "a"}, {"label": "a"}],
        },
    ):
        answer = await talker.call("POST", "/v1/search/evaluations", json=body)
        assert answer.status_code == 422, answer.text
