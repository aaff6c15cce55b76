"""What a key with few scopes, and what rows of files and patterns of templates, cannot do."""

import json
import re
import time

import pytest

from app.agents.evaluations.graders import rendering
from tests.agents.evaluations.support import Scholar, begun, ended, evaluation_of, got, made
from tests.agents.evaluations.support import results_of as results
from tests.support.chat import Talker, connected
from tests.support.identity import bearer, new_key, new_person

EXACT = {"name": "exact", "type": "exact"}
PROMPT = {
    "name": "Prompt",
    "slug": "short-prompt",
    "body": {"type": "prompt", "messages": [{"role": "user", "content": "Say yes."}]},
}
KEPT = {"type": "prompt", "name": "kept", "model": "openai/gpt-4.1-mini"}


@pytest.fixture
async def talker(client):
    return Talker(client, await new_person(client))


async def key_of(talker, *scopes):
    key = await new_key(talker.http, talker.person, scopes=list(scopes))
    return bearer(key["key"])


async def test_a_target_names_its_template_by_slug_or_id_and_takes_the_right_to_read_it(talker):
    template = await made(talker, "/v1/templates", PROMPT)
    fake = Scholar({"a": "yes"})
    async with connected(talker, fake):
        evaluation = await evaluation_of(talker, [{"input": "a", "expected": "yes"}], [EXACT])
        for name in (template["slug"], template["id"]):
            experiment = await begun(talker, evaluation, {**KEPT, "template": name})
            over = await ended(talker, experiment)
            assert over["results"]["targets"][0]["score"] == 1, await results(talker, experiment)
        unknown = await ended(
            talker, await begun(talker, evaluation, {**KEPT, "template": "nobodys"})
        )
        (failed,) = await results(talker, unknown)
        assert failed["error"]["code"] == "template_not_found"
        headers = await key_of(talker, "evaluations:write", "models:invoke")
        body = {"name": "X", "targets": [{**KEPT, "template": template["slug"]}]}
        path = f"/v1/evaluations/{evaluation['id']}/experiments"
        refused = await talker.http.post(path, json=body, headers=headers)
    assert refused.status_code == 403, refused.text
    assert "templates:read" in refused.json()["detail"]


async def test_an_embedding_model_of_a_grader_takes_the_right_to_call_models(talker):
    near = {"name": "near", "type": "similarity", "model": "openai/text-embedding-3-small"}
    evaluation = await evaluation_of(talker, [{"input": "a", "expected": "yes"}], [near])
    headers = await key_of(talker, "evaluations:write", "agents:run")
    body = {"name": "X", "targets": [{"type": "agent", "name": "a", "agent": "nobody"}]}
    path = f"/v1/evaluations/{evaluation['id']}/experiments"
    refused = await talker.http.post(path, json=body, headers=headers)
    assert refused.status_code == 403, refused.text
    assert "models:invoke" in refused.json()["detail"]


async def test_runs_become_cases_for_who_may_read_runs(talker):
    agent = {"name": "Demo", "definition": {"model": "demo/chat?tokens=5&delay_ms=0"}}
    agent = await made(talker, "/v1/agents", agent)
    await made(talker, f"/v1/agents/{agent['id']}/runs", {"input": "Hi"}, 200)
    dataset = await made(talker, "/v1/datasets", {"name": "Past"})
    path = f"/v1/datasets/{dataset['id']}/cases/from-runs"
    body = {"filter": {"kinds": ["agent_run"]}}
    blind = await key_of(talker, "evaluations:write")
    answer = await talker.http.post(path, json=body, headers=blind)
    assert (answer.status_code, answer.json()["added"]) == (201, 0), answer.text
    seeing = await key_of(talker, "evaluations:write", "runs:read")
    answer = await talker.http.post(path, json=body, headers=seeing)
    assert answer.json()["added"] == 1, answer.text


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00"])
async def test_a_moment_that_is_none_is_told(talker, moment):
    dataset = await made(talker, "/v1/datasets", {"name": "Past"})
    path = f"/v1/datasets/{dataset['id']}/cases/from-runs"
    refused = await made(talker, path, {"filter": {"since": moment}}, 422)
    assert refused["errors"][0]["pointer"] == "/body/filter/since"


async def test_a_row_that_cannot_be_kept_keeps_no_other_out(talker):
    dataset = await made(talker, "/v1/datasets", {"name": "Rows"})
    rows = [
        {"input": "a", "metadata": {"a": "\0"}},
        {"input": "b", "metadata": {"a": json.loads("[" * 200 + "]" * 200)}},
        {"input": "c"},
    ]
    deepest = '{"input": "d", "metadata": {"a": ' + "[" * 900 + "]" * 900 + "}}"
    content = "\n".join([*map(json.dumps, rows), deepest])
    path = f"/v1/datasets/{dataset['id']}/cases/import?format=jsonl"
    headers = {"Content-Type": "application/octet-stream"}
    answer = await talker.call("POST", path, content=content.encode(), headers=headers)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["added"], [each["row"] for each in told["refusals"]]) == (1, [1, 2, 4])
    (case,) = (await got(talker, f"/v1/datasets/{dataset['id']}/cases"))["data"]
    assert case["input"] == "c"


def test_the_places_of_a_template_are_found_in_one_pass():
    """A group between two runs of spaces had each space tried on either side."""
    assert re.search(r"\\s\*.*\\s\*", rendering.PLACE.pattern) is None
    began = time.process_time()
    rendering.check("{{" + " " * 19_000)
    assert time.process_time() - began < 5
    assert rendering.render("{{ \n input  }}{{item.x}}", {"input": "a", "item": {"x": 1}}) == "a1"
