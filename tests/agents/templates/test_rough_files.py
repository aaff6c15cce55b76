"""Files that others wrote badly, and two requests at once: no template comes twice, and no 500."""

import asyncio
import json

import pytest

from app.agents.templates.filling import fill
from tests.agents.templates.conftest import DEMO

BODY = {"type": "prompt", "messages": [{"role": "user", "content": "Hi"}]}
NONE = {"type": "object", "properties": {}}
SAID = [{"role": "user", "content": "Hi"}]


def own(version=None, **more):
    told = {"variables": NONE, "body": BODY, "examples": [], **(version or {})}
    return {"format": "luminous.template/1", "name": "A", "versions": [told], **more}


async def imported(templates, document):
    answer = await templates.at("POST", "/import", {"content": json.dumps(document)})
    [one] = answer.json()["data"]
    return one


@pytest.mark.parametrize(
    "document",
    [
        own({"evidence": {"score": "good"}}),
        own({"evidence": {"score": 9, "cases": []}}),
        own(labels={"No Label": 1}),
        own(labels={f"label-{n}": 1 for n in range(40)}),
    ],
    ids=["no score", "score of 9", "label's form", "too many labels"],
)
async def test_what_no_template_here_could_have_is_refused(templates, document):
    refused = await imported(templates, document)
    assert (refused["status"], refused["error"]["code"]) == ("refused", "template_not_importable")


async def test_evidence_comes_with_its_version_and_draft_stays_the_newest(templates):
    evidence = {"score": 0.4, "cases": [], "note": "Seen there."}
    one = await imported(templates, own({"evidence": evidence}, labels={"draft": 1, "trial": 1}))
    path = f"/{one['template_id']}"
    version = (await templates.at("GET", f"{path}/versions/1")).json()
    assert (version["score"], version["evidence"]) == (0.4, evidence)
    assert (await templates.at("GET", path)).json()["labels"] == {"trial": 1}
    await templates.at("POST", f"{path}/publish", {"min_score": 0.5}, expect=409)


@pytest.mark.parametrize("number", ["²", "1" * 5000, "-1", "1.5", 10**30])
async def test_a_version_with_no_number_counts_by_its_place(templates, number):
    document = {"id": "pmpt_1", "version": number, "default_version": number, "messages": SAID}
    one = await imported(templates, document)
    assert (one["status"], one["versions"]) == ("imported", 1)


async def test_braces_of_a_prompt_stay_what_they_are(templates):
    text = 'Answer with {"name": {{{ name }}}, "n": {}} {'
    document = {"id": "pmpt_2", "messages": [{"role": "user", "content": text}]}
    one = await imported(templates, document)
    values = {"variables": {"name": '{"first": "{{ secret }}"}'}}
    shown = (await templates.at("POST", f"/{one['template_id']}/render", values)).json()
    assert shown["messages"][0]["content"] == text.replace(
        "{{ name }}", values["variables"]["name"]
    )


async def test_two_variables_of_a_prompt_stay_two(templates):
    document = {"id": "pmpt_3", "messages": [{"role": "user", "content": "{{a.b}} or {{a-b}}"}]}
    one = await imported(templates, document)
    values = {"variables": {"a_b": "tea", "a_b_2": "milk"}}
    shown = (await templates.at("POST", f"/{one['template_id']}/render", values)).json()
    assert shown["messages"][0]["content"] == "tea or milk"


@pytest.mark.parametrize(
    ("instructions", "values"),
    [
        ("I {{ x }}{{ y }} end", {"x": "{", "y": "{ secret }}"}),
        ("I {{ x }}{ secret }}", {"x": "{"}),
        ("I {{{ x }} end", {"x": "% if secret %}"}),
        ("I {{{ x }}{ secret }}", {"x": ""}),
    ],
)
async def test_a_value_makes_no_tag_with_what_stands_beside_it(templates, instructions, values):
    filled = fill({"instructions": instructions}, values)["instructions"]
    plain = instructions
    for name, value in values.items():
        plain = plain.replace(f"{{{{ {name} }}}}", value)
    made = await templates.make(
        variables=NONE, body={"type": "prompt", "messages": [{"role": "user", "content": filled}]}
    )
    shown = (await templates.at("POST", f"/{made['id']}/render", {})).json()
    assert shown["messages"][0]["content"] == plain


async def test_a_pack_that_is_installed_twice_at_once_is_there_once(templates):
    done = await asyncio.gather(*(templates.at("POST", "/packs/support/install") for _ in range(4)))
    ids = [{each["template_id"] for each in one.json()["templates"]} for one in done]
    assert ids == [ids[0]] * 4
    there = (await templates.at("GET", "?pack=support&limit=200")).json()["data"]
    assert {each["id"] for each in there} == ids[0]


async def test_a_file_that_is_imported_twice_at_once_is_there_once(templates):
    document = {"id": "pmpt_4", "messages": SAID}
    done = await asyncio.gather(*(imported(templates, document) for _ in range(4)))
    assert sorted(each["status"] for each in done) == ["imported", *["unchanged"] * 3]
    assert len({each["template_id"] for each in done}) == 1


async def test_runs_of_an_agent_count_for_the_version_that_it_was_made_of(templates):
    body = {"type": "agent", "definition": {"instructions": "Say hello.", "model": DEMO}}
    made = await templates.make(variables=NONE, body=body)
    other = await templates.make(variables=NONE, body=body)
    agent_id = (await templates.at("POST", f"/{made['id']}/instantiate", {}, expect=201)).json()[
        "agent_id"
    ]
    body["definition"]["instructions"] = "Say good bye."
    await templates.at("PATCH", f"/{made['id']}", {"body": body})
    for _ in range(2):
        run = await templates.call("POST", f"/v1/agents/{agent_id}/runs", json={"input": "Hi"})
        assert run.status_code == 200, run.text
    usage = (await templates.at("GET", f"/{made['id']}/usage")).json()["data"]
    assert [(each["number"], each["agents"], each["runs"]) for each in usage] == [
        (2, 0, 0),
        (1, 1, 2),
    ]
    unused = (await templates.at("GET", f"/{other['id']}/usage")).json()["data"]
    assert [(each["agents"], each["runs"]) for each in unused] == [(0, 0)]
