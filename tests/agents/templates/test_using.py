"""Templates in use: rendered, tried out by a model, made into agents, counted."""

import orjson

from app.agents.definitions.templates import rendered
from app.agents.templates.filling import fill, inert
from tests.agents.templates.conftest import DEMO, VARIABLES
from tests.support.chat import connected
from tests.support.fakes.base import Said, say
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import bearer, new_key

QUESTION = {"question": "Why?"}


async def test_values_and_defaults_are_put_in(templates):
    made = await templates.make()
    path = f"/{made['id']}/render"
    told = (await templates.at("POST", path, {"variables": {**QUESTION, "brief": True}})).json()
    assert [each["content"] for each in told["messages"]] == [
        "You work for Acme. Be brief.",
        "Why?",
    ]
    assert told["variables"] == {"company": "Acme", "brief": True, "question": "Why?"}
    assert (told["version"], told["definition"]) == (1, None)
    assert 5 <= told["tokens"] <= 20


async def test_each_value_that_does_not_fit_is_told_at_its_place(templates):
    made = await templates.make()
    path = f"/{made['id']}/render"
    assert await templates.wrong(path, {"variables": {}}) == {
        "/body/variables/question": "variable_missing"
    }
    values = {"question": "x" * 101, "company": 3, "who": "me"}
    wrong = await templates.wrong(path, {"variables": values})
    assert wrong["/body/variables/who"] == "variable_undeclared"
    assert wrong["/body/variables/question"] == "schema_maxlength"
    assert wrong["/body/variables/company"] == "schema_type"


async def test_a_value_is_never_read_as_a_template(templates):
    made = await templates.make()
    values = {"variables": {"question": "{{ company }} {% for x in y %}"}}
    told = (await templates.at("POST", f"/{made['id']}/render", values)).json()
    assert told["messages"][1]["content"] == "{{ company }} {% for x in y %}"
    document = {"instructions": "Say {{ word }} to {{ name }}.", "model": "{{ word }}"}
    filled = fill(document, {"word": "{{ secret }}{% x %}"})
    assert filled["model"] == "{{ secret }}{% x %}"
    assert filled["instructions"] == f"Say {inert('{{ secret }}{% x %}')} to {{{{ name }}}}."
    assert rendered(filled["instructions"], {"name": "Ann"}) == "Say {{ secret }}{% x %} to Ann."


async def test_the_version_is_the_one_in_production_unless_another_is_named(templates):
    made = await templates.make()
    path = f"/{made['id']}"
    await templates.at("POST", f"{path}/publish", {})
    second = {"type": "prompt", "messages": [{"role": "user", "content": "Second"}]}
    variables = {"type": "object", "properties": {}}
    await templates.at("PATCH", path, {"body": second, "variables": variables})

    async def version(body):
        return (await templates.at("POST", f"{path}/render", body)).json()["version"]

    assert await version({"variables": QUESTION}) == 1
    assert await version({"label": "draft"}) == 2
    assert await version({"version": 2}) == 2
    lost = await templates.at("POST", f"{path}/render", {"label": "trial"}, expect=404)
    assert lost.json()["code"] == "template_label_not_found"


async def test_a_model_answers_a_preview_and_says_what_it_cost(templates):
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    body = {
        "type": "prompt",
        "messages": [{"role": "system", "content": "Count for {{ company }}."}],
        "model": "openai/gpt-4o",
        "parameters": {"temperature": 0.5},
        "output_schema": schema,
    }
    made = await templates.make(body=body, variables={**VARIABLES, "required": []})
    fake = FakeOpenAI()
    fake.will(say(Said(('{"n": ', "3}"))))
    async with connected(templates, fake):
        told = await templates.at(
            "POST", f"/{made['id']}/preview", {"input": "How many?", "max_output_tokens": 50}
        )
    sent = fake.last.body
    assert [each["role"] for each in sent["messages"]] == ["system", "user"]
    assert sent["messages"][0]["content"] == "Count for Acme."
    assert sent["temperature"] == 0.5
    assert sent["response_format"]["json_schema"]["schema"] == schema
    told = told.json()
    assert (told["answer"], told["valid"], told["model"]) == ('{"n": 3}', True, "openai/gpt-4o")
    assert float(told["cost_usd"]) > 0
    assert told["output_tokens"] > 0
    usage = (await templates.at("GET", f"/{made['id']}/usage")).json()["data"]
    assert [(each["previews"], each["renders"]) for each in usage] == [(1, 0)]


async def test_a_preview_of_an_agent_tries_its_instructions(templates):
    definition = {"instructions": "Help {{ company }}, {{ agent }}.", "model": DEMO}
    made = await templates.make(
        name="Aide",
        body={"type": "agent", "definition": definition},
        variables={"type": "object", "properties": {"company": {"type": "string", "default": "A"}}},
    )
    told = (await templates.at("POST", f"/{made['id']}/preview", {"input": "Hello"})).json()
    assert told["messages"][0]["content"] == "Help A, Aide."
    assert told["answer"].startswith("This is the demo")


async def test_an_agent_is_made_with_those_who_work_in_it(templates):
    variables = {
        "type": "object",
        "properties": {
            "company": {"type": "string", "default": "Acme"},
            "rounds": {"type": "integer", "default": 2},
            "tools": {"type": "array", "default": [{"tool": "calculator"}]},
        },
    }
    body = {
        "type": "agent",
        "definition": {
            "instructions": "Lead for {{ company }} on {{ today }}.",
            "pattern": {"type": "orchestrator", "agents": ["worker"], "rounds": "{{ rounds }}"},
        },
        "members": [
            {
                "key": "worker",
                "name": "Worker",
                "definition": {"instructions": "Work for {{ company }}.", "tools": "{{ tools }}"},
            }
        ],
    }
    made = await templates.make(name="Team", variables=variables, body=body)
    path = f"/{made['id']}/instantiate"
    values = {"company": "Berg {{ x }}", "rounds": 4}
    answer = await templates.at("POST", path, {"name": "Desk", "variables": values}, expect=201)
    told = answer.json()
    assert answer.headers["location"] == f"/v1/agents/{told['agent_id']}"
    agent = (await templates.call("GET", f"/v1/agents/{told['agent_id']}")).json()
    worker = (await templates.call("GET", f"/v1/agents/{told['member_ids']['worker']}")).json()
    assert (agent["name"], worker["name"]) == ("Desk", "Desk: Worker")
    assert agent["metadata"]["template_id"] == made["id"]
    definition = agent["definition"]
    assert definition["pattern"]["agents"] == [worker["id"]]
    assert definition["pattern"]["rounds"] == 4
    assert definition["instructions"] == f"Lead for {inert('Berg {{ x }}')} on {{{{ today }}}}."
    assert [each["tool"] for each in worker["definition"]["tools"]] == ["calculator"]
    usage = (await templates.at("GET", f"/{made['id']}/usage")).json()["data"]
    assert [(each["instantiations"], each["agents"], each["runs"]) for each in usage] == [(1, 1, 0)]


async def test_to_make_an_agent_takes_the_right_to(templates):
    definition = {"type": "agent", "definition": {"instructions": "Hi"}}
    made = await templates.make(body=definition, variables={"type": "object"})
    key = await new_key(templates.http, templates.person, scopes=["templates:read"])
    path = f"/v1/templates/{made['id']}/instantiate"
    refused = await templates.http.post(path, json={}, headers=bearer(key["key"]))
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


FLOW = {
    "dsl": "flow/1",
    "vars": {"limit": "{{ limit }}"},
    "nodes": [
        {
            "id": "say",
            "type": "transform",
            "with": {"value": "{{ greeting }}, {{ run.workflow }}: {{ vars.limit + 1 }}"},
        }
    ],
    "outputs": "{{ nodes.say.output }}",
}
FLOW_VARIABLES = {
    "type": "object",
    "properties": {
        "greeting": {"type": "string", "default": "Hello"},
        "limit": {"type": "integer", "default": 1},
    },
}


async def test_a_prompt_gives_its_messages(templates):
    made = await templates.make()
    told = await templates.at(
        "POST", f"/{made['id']}/instantiate", {"variables": QUESTION}, expect=201
    )
    assert (told.json()["agent_id"], told.json()["messages"][1]["content"]) == (None, "Why?")


async def test_a_workflow_is_made_of_its_template(templates):
    body = {"type": "workflow", "workflow": FLOW}
    flow = await templates.make(name="Flow", body=body, variables=FLOW_VARIABLES)
    values = {"variables": {"greeting": "Hi {{ inputs.x }}", "limit": 4}}
    preview = (await templates.at("POST", f"/{flow['id']}/preview", values)).json()
    assert (preview["valid"], preview["definition"]["vars"]) == (True, {"limit": 4})
    made = await templates.at("POST", f"/{flow['id']}/instantiate", values, expect=201)
    path = made.headers["location"]
    assert path == f"/v1/workflows/{made.json()['workflow_id']}"
    workflow = (await templates.call("GET", path)).json()
    assert workflow["metadata"] == {"template_id": flow["id"], "template_version": 1}
    run = (await templates.call("POST", f"{path}/runs", json={"wait": True})).json()
    # A value is text, whatever it looks like.
    assert run["output"] == f"Hi {{{{ inputs.x }}}}, {workflow['slug']}: 5"
    usage = (await templates.at("GET", f"/{flow['id']}/usage")).json()["data"][0]
    counted = ("previews", "instantiations", "agents", "workflows")
    assert [usage[name] for name in counted] == [1, 1, 0, 1]
    key = await new_key(templates.http, templates.person, scopes=["templates:read"])
    refused = await templates.http.post(
        f"/v1/templates/{flow['id']}/instantiate", json=values, headers=bearer(key["key"])
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


async def test_what_a_workflow_of_a_template_has_wrong_is_told_when_it_is_saved(templates):
    wrong = {**FLOW, "outputs": "{{ nodes.nobody.output }}"}
    flow = {"name": "Flow", "variables": FLOW_VARIABLES}
    body = {**flow, "body": {"type": "workflow", "workflow": wrong}}
    (pointer,) = await templates.wrong("", body)
    assert pointer.startswith("/body/body/workflow/outputs")
    taken = {"type": "object", "properties": {"item": {"type": "string", "default": ""}}}
    body = {**flow, "variables": taken, "body": {"type": "workflow", "workflow": {"dsl": "flow/1"}}}
    assert await templates.wrong("", body) == {
        "/body/variables/properties/item": "variable_reserved"
    }
    made = await templates.make(**flow, body={"type": "workflow", "workflow": FLOW})
    change = {"body": {"type": "workflow", "workflow": wrong}}
    refused = (await templates.at("PATCH", f"/{made['id']}", change, expect=422)).json()
    assert refused["code"] == "template_invalid"


async def test_a_trial_counts_nothing(templates):
    made = await templates.make()
    body = {"variables": QUESTION}
    await templates.at("POST", f"/{made['id']}/render?dry_run=true", body)
    assert (await templates.at("GET", f"/{made['id']}/usage")).json()["data"][0]["renders"] == 0
    await templates.at("POST", f"/{made['id']}/render", body)
    usage = (await templates.at("GET", f"/{made['id']}/usage")).json()["data"][0]
    assert usage["renders"] == 1
    assert usage["last_used_at"]
    assert orjson.dumps(usage)
