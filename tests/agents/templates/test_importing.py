"""Files: ours there and back, and what people saved of OpenAI's prompts."""

import json

import pytest

PROMPT = {
    "id": "pmpt_abc123",
    "object": "prompt",
    "name": "Greeter",
    "default_version": "1",
    "versions": [
        {
            "version": "2",
            "model": "gpt-5",
            "reasoning": {"effort": "xhigh"},
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "greeting",
                    "schema": {"type": "object", "properties": {"text": {"type": "string"}}},
                }
            },
            "messages": [
                {
                    "role": "developer",
                    "content": [
                        {"type": "input_text", "text": "Greet {{first-name}} {% raw %} {{#if}}"},
                        {"type": "input_image", "image_url": "https://example.com/x.png"},
                    ],
                },
                {"role": "user", "content": "Hello from {{city}}"},
            ],
            "variables": {"city": {"type": "string", "default": "Paris"}, "first-name": None},
            "tools": [{"type": "web_search"}],
        },
        {
            "version": "1",
            "model": "gpt-4.1",
            "temperature": 0.3,
            "max_output_tokens": 200,
            "instructions": "Greet {{name}}.",
        },
    ],
}


async def imported(templates, content, expect=200, **more):
    text = content if isinstance(content, str) else json.dumps(content)
    return (await templates.at("POST", "/import", {"content": text, **more}, expect=expect)).json()


async def test_a_prompt_comes_with_all_its_versions(templates):
    told = await imported(templates, PROMPT, category="sales")
    assert told["format"] == "openai_prompts"
    (outcome,) = told["data"]
    assert (outcome["status"], outcome["versions"]) == ("imported", 2)
    assert (outcome["source"], outcome["name"]) == ("pmpt_abc123", "Greeter")
    left = "\n".join(outcome["left_out"])
    for part in ("version 2: `tools`", "`input_image`", "`xhigh`", "`first-name` is called"):
        assert part in left
    path = f"/{outcome['template_id']}"
    made = (await templates.at("GET", path)).json()
    assert (made["labels"], made["category"]) == ({"production": 1}, "sales")
    assert made["source_id"] == "openai:pmpt_abc123"
    assert made["metadata"]["openai"]["versions"]["2"]["tools"] == [{"type": "web_search"}]
    assert made["variables"]["properties"]["city"] == {"type": "string", "default": "Paris"}
    assert made["variables"]["required"] == ["first_name"]
    assert made["body"]["output_schema"]["properties"] == {"text": {"type": "string"}}
    values = {"variables": {"first_name": "Ann"}, "label": "draft"}
    shown = (await templates.at("POST", f"{path}/render", values)).json()["messages"]
    assert shown[0] == {"role": "system", "content": "Greet Ann {% raw %} {{#if}}"}
    assert shown[1]["content"] == "Hello from Paris"
    first = (await templates.at("GET", f"{path}/versions/1")).json()["body"]
    assert first["messages"] == [{"role": "system", "content": "Greet {{ name }}."}]
    assert (first["model"], first["parameters"]["temperature"]) == ("gpt-4.1", 0.3)
    assert first["parameters"]["max_output_tokens"] == 200


async def test_done_again_it_brings_only_what_is_new(templates):
    older = {**PROMPT, "versions": PROMPT["versions"][1:]}
    first = (await imported(templates, older))["data"][0]
    assert (first["status"], first["versions"]) == ("imported", 1)
    second = (await imported(templates, PROMPT))["data"][0]
    assert (second["status"], second["versions"]) == ("updated", 1)
    third = (await imported(templates, PROMPT))["data"][0]
    assert (third["status"], third["versions"]) == ("unchanged", 0)
    assert {each["template_id"] for each in (first, second, third)} == {first["template_id"]}


async def test_a_saved_request_and_versions_in_lines_are_prompts_too(templates):
    request = {
        "model": "gpt-4o",
        "input": [{"role": "system", "content": "Say {{word}}."}],
        "max_output_tokens": 10,
    }
    lines = [
        {"id": "pmpt_1", "version": "1", "model": "gpt-4o", "messages": [
            {"role": "user", "content": "One"}]},
        {"id": "pmpt_1", "version": "2", "model": "gpt-4o", "messages": [
            {"role": "user", "content": "Two"}]},
        request,
        {
            "object": "response", "id": "resp_1", "model": "gpt-4o",
            "prompt": {"id": "pmpt_2", "version": "4", "variables": {}},
            "instructions": [{"type": "message", "role": "developer", "content": [
                {"type": "input_text", "text": "Filled in"}]}],
        },
    ]  # fmt: skip
    told = await imported(templates, "\n".join(json.dumps(each) for each in lines))
    by_source = {each["source"]: each for each in told["data"]}
    assert {each["status"] for each in told["data"]} == {"imported"}
    assert by_source["pmpt_1"]["versions"] == 2
    assert by_source["pmpt_2"]["versions"] == 1
    assert len(told["data"]) == 3


async def test_each_refused_item_says_why_and_leaves_the_others(templates):
    items = [
        {"object": "eval", "id": "eval_1", "data_source_config": {}, "testing_criteria": []},
        {"id": "pmpt_9", "version": "1"},
        {"hello": "world"},
        {"id": "pmpt_8", "model": "gpt-4o", "temperature": 9, "instructions": "Too hot."},
        {"id": "pmpt_7", "model": "gpt-4o", "instructions": "Good."},
    ]
    told = await imported(templates, items)
    outcomes = {each["source"]: each for each in told["data"]}
    assert "POST /v1/evaluations/import" in outcomes["eval_1"]["error"]["detail"]
    assert "no messages" in outcomes["pmpt_9"]["error"]["detail"]
    assert "temperature" in outcomes["pmpt_8"]["error"]["detail"]
    assert outcomes["pmpt_7"]["status"] == "imported"
    assert [each["status"] for each in told["data"]].count("refused") == 4
    assert len((await templates.at("GET")).json()["data"]) == 1


@pytest.mark.parametrize("shape", ["json", "yaml"])
async def test_our_own_come_back_as_they_went(templates, stranger, shape):
    made = await templates.make(
        name="Größe", description="no", category="sales", language="de", metadata={"a": ["yes"]}
    )
    path = f"/{made['id']}"
    changed = {"variables": {**made["variables"], "description": "2026-11-30"}}
    await templates.at("PATCH", path, changed)
    await templates.at("POST", f"{path}/publish", {"version": 1})
    exported = await templates.at("GET", f"{path}/export?format={shape}")
    assert exported.headers["content-type"].startswith(f"application/{shape}")
    assert exported.headers["content-disposition"].endswith(f'.{shape}"')
    told = await imported(stranger, exported.text)
    assert told["format"] == "luminous"
    (outcome,) = told["data"]
    assert (outcome["status"], outcome["versions"]) == ("imported", 2)
    there = (await stranger.at("GET", f"/{outcome['template_id']}")).json()
    here = (await templates.at("GET", path)).json()
    same = (
        "name", "description", "category", "language", "labels", "metadata", "variables", "body",
        "current_version",
    )  # fmt: skip
    assert {name: there[name] for name in same} == {name: here[name] for name in same}

    async def digests(maker, template_id):
        listed = await maker.at("GET", f"/{template_id}/versions")
        return [each["digest"] for each in listed.json()["data"]]

    assert await digests(stranger, there["id"]) == await digests(templates, here["id"])


@pytest.mark.parametrize(
    "content",
    ["{", "just words", "a: &x [1]\nb: *x", "{}\n{", "[]", "[" * 100 + "]" * 100, "!!python/x y"],
)
async def test_what_is_no_file_of_templates_is_refused_whole(templates, content):
    refused = await imported(templates, content, expect=422)
    assert refused["code"] == "template_file_invalid"
    assert refused["errors"][0]["pointer"] == "/body/content"
