"""Exports of OpenAI's evals, in the shape that their own client package gives them."""

import json

import pytest
import pytest_asyncio
from openai.types import EvalCreateResponse
from openai.types.evals import CreateEvalCompletionsRunDataSource

from tests.agents.evaluations.support import Scholar, begun, ended, got, made, results_of
from tests.support.chat import Talker, connected
from tests.support.identity import new_person

ITEM_SCHEMA = {"type": "object", "properties": {"ticket": {"type": "string"}}}
MESSAGES = [
    {"type": "message", "role": "developer", "content": "Is the label right?"},
    {
        "type": "message",
        "role": "user",
        "content": {"type": "input_text", "text": "{{item.ticket}} -> {{sample.output_text}}"},
    },
]
EVAL = {
    "id": "eval_1",
    "object": "eval",
    "created_at": 1760000000,
    "name": "Tickets",
    "metadata": {"team": "blue"},
    "data_source_config": {
        "type": "custom",
        "schema": {"type": "object", "properties": {"item": ITEM_SCHEMA}},
    },
    "testing_criteria": [
        {
            "type": "string_check",
            "name": "Matches the label — exactly",
            "input": "{{ sample.output_text }}",
            "operation": "eq",
            "reference": "{{ item.label }}",
        },
        {
            "type": "string_check",
            "name": "ilike",
            "input": "{{sample.output_text}}",
            "operation": "ilike",
            "reference": "WARE",
        },
        {
            "type": "text_similarity",
            "name": "near",
            "input": "{{sample.output_text}}",
            "reference": "{{item.label}}",
            "evaluation_metric": "fuzzy_match",
            "pass_threshold": 0.5,
        },
        {
            "type": "text_similarity",
            "name": "meteor",
            "input": "{{sample.output_text}}",
            "reference": "{{item.label}}",
            "evaluation_metric": "meteor",
            "pass_threshold": 0.5,
        },
        {
            "type": "score_model",
            "name": "scored",
            "model": "gpt-4.1-mini",
            "input": MESSAGES,
            "range": [0, 1],
            "pass_threshold": 0.6,
        },
        {
            "type": "label_model",
            "name": "labelled",
            "model": "gpt-4.1-mini",
            "input": MESSAGES,
            "labels": ["right", "wrong"],
            "passing_labels": ["right"],
        },
        {
            "type": "python",
            "name": "code",
            "source": "def grade(sample, item):\n    return 1.0",
            "image_tag": "2025-05-08",
        },
    ],
}
RUN = {
    "type": "completions",
    "model": "gpt-4.1-mini",
    "source": {"type": "file_id", "id": "file-1"},
    "input_messages": {
        "type": "template",
        "template": [
            {"type": "message", "role": "developer", "content": "Name the kind of a ticket."},
            {"type": "message", "role": "user", "content": "{{item.ticket}}"},
        ],
    },
    "sampling_params": {"temperature": 0.2, "max_completion_tokens": 50, "seed": 7},
}
ITEMS = [
    {"item": {"ticket": "My screen is black.", "label": "Hardware"}},
    {"item": {"ticket": "The page says 404.", "label": "Software"}},
]


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


def exported():
    """As the vendor's own types write them: what they would refuse would be no export."""
    known = EvalCreateResponse.model_validate(EVAL).model_dump(mode="json", by_alias=True)
    run = CreateEvalCompletionsRunDataSource.model_validate(RUN).model_dump(mode="json")
    lines = "\n".join(map(json.dumps, [*ITEMS, {"no": "item"}]))
    return {"eval": known, "run": run, "jsonl": lines}


async def test_an_export_becomes_a_dataset_an_evaluation_and_a_target(talker):
    imported = await made(talker, "/v1/evaluations/import", exported())
    evaluation = imported["evaluation"]
    assert (evaluation["name"], imported["dataset"]["case_count"]) == ("Tickets", 2)
    assert (imported["cases"]["refused"], imported["cases"]["refusals"][0]["row"]) == (1, 3)
    assert [(each["name"], each["type"]) for each in imported["left_out"]] == [
        ("meteor", "text_similarity"),
        ("code", "python"),
    ]
    assert "never run" in imported["left_out"][1]["reason"]
    exact, like, near, scored, labelled = evaluation["graders"]
    assert (exact["name"], exact["type"]) == ("Matches the label _ exactly 1", "exact")
    assert (like["type"], like["ignore_case"]) == ("contains", True)
    assert (near["metric"], near["threshold"]) == ("levenshtein", 0.5)
    assert (scored["model"], scored["scale"]) == (
        "openai/gpt-4.1-mini",
        {"lowest": 0, "highest": 100},
    )
    assert scored["threshold"] == 0.6
    assert (labelled["labels"], labelled["passing_labels"]) == (["right", "wrong"], ["right"])
    assert "{{item.ticket}} -> {{sample.output_text}}" in labelled["rubric"]
    target = imported["target"]
    assert [each["role"] for each in target["messages"]] == ["system", "user"]
    assert (target["parameters"]["temperature"], target["parameters"]["max_output_tokens"]) == (
        0.2,
        50,
    )
    cases = await got(talker, f"/v1/datasets/{imported['dataset']['id']}/cases")
    first = cases["data"][0]
    assert first["variables"] == ITEMS[0]["item"]
    assert first["expected"] == "Hardware"


async def test_what_was_imported_runs(talker):
    body = exported()
    body["eval"]["testing_criteria"] = body["eval"]["testing_criteria"][:3]
    imported = await made(talker, "/v1/evaluations/import", body)
    knows = {"My screen is black.": "Hardware", "The page says 404.": "Softwares"}
    async with connected(talker, Scholar(knows)) as slug:
        assert slug == "openai"
        experiment = await begun(talker, imported["evaluation"], imported["target"])
        experiment = await ended(talker, experiment)
    results = await results_of(talker, experiment)
    assert [[grade["passed"] for grade in each["grades"]] for each in results] == [
        [True, True, True],
        [False, True, True],
    ]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"eval": {"testing_criteria": [{"type": "python", "name": "x", "source": "1"}]}},
         "imported_evaluation_invalid"),
        ({"eval": {"testing_criteria": [{"type": "string_check", "name": "x"}]}},
         "imported_evaluation_invalid"),
        ({"items": []}, "validation_failed"),
        ({"eval": {}}, "validation_failed"),
    ],
)  # fmt: skip
async def test_what_holds_nothing_to_grade_by_is_refused(talker, change, code):
    answer = await talker.call("POST", "/v1/evaluations/import", json={**exported(), **change})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await got(talker, "/v1/datasets"))["data"] == []


async def test_the_fields_may_be_named_and_models_mapped(talker):
    body = {
        **exported(),
        "jsonl": None,
        "items": [{"item": {"a": {"b": 1}, "c": 2, "input": "no"}}],
        "input_field": "a",
        "expected_field": "c",
        "model_map": {"gpt-4.1-mini": "demo/chat"},
    }
    imported = await made(talker, "/v1/evaluations/import", body)
    assert imported["target"]["model"] == "demo/chat"
    cases = await got(talker, f"/v1/datasets/{imported['dataset']['id']}/cases")
    assert [(each["input"], each["expected"]) for each in cases["data"]] == [('{"b":1}', 2)]
