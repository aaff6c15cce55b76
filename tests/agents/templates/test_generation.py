"""Templates written by a model: what it is told of its mistakes, and what comes of it."""

import json

import pytest

from tests.agents.templates.conftest import DEMO
from tests.support.chat import connected
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import Said, say, status
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import until

WISH = {"description": "Summaries of customer letters for the support team.", "kind": "prompt"}
BRIEF = {
    "name": "Letter summary",
    "category": "support",
    "purpose": "Sum up letters.",
    "variables": [{"name": "company", "description": "Who gets the letters."}],
    "rules": ["Leave names out."],
    "criteria": ["Is it short?", "Is it calm?"],
}
DRAFT = {
    "name": "Letter summary",
    "description": "Sums a letter up.",
    "variables": [
        {"name": "company", "type": "string", "description": "Who.", "default": '"Acme"'},
        {"name": "words", "type": "integer", "description": "Length.", "default": None},
    ],
    "messages": [
        {"role": "system", "content": "For {{ company }}: sum up in {{ words }} words."},
    ],
    "examples": [
        {"name": "Angry", "variables": [{"name": "words", "value": "20"}], "input": "I am angry!"},
        {
            "name": "Calm",
            "variables": [
                {"name": "words", "value": "30"},
                {"name": "company", "value": "Berg"},
            ],
            "input": "All is well.",
        },
    ],
}


def verdict(*scores):
    names = zip(BRIEF["criteria"], scores, strict=False)
    return {"scores": [{"criterion": n, "score": s, "reason": "Because."} for n, s in names]}


def told(*answers):
    return [say(Said((each if isinstance(each, str) else json.dumps(each),))) for each in answers]


async def generated(templates, **more):
    """Ask for a template and wait for the end of its run."""
    begun = await templates.at("POST", "/generate", {**WISH, **more}, expect=202)
    run_id = begun.json()["id"]
    assert begun.headers["location"] == f"/v1/runs/{run_id}"
    return await ended(templates, run_id)


async def ended(templates, run_id):
    async def is_over():
        run = (await templates.call("GET", f"/v1/runs/{run_id}")).json()
        return run["status"] not in ("queued", "running")

    await until(is_over, seconds=30)
    return (await templates.call("GET", f"/v1/runs/{run_id}")).json()


async def events_of(templates, run):
    return (await templates.stream("GET", f"/v1/runs/{run['id']}/events")).events


@pytest.mark.parametrize("fake_of", [FakeOpenAI, FakeAnthropic])
async def test_a_template_is_described_written_tried_out_and_kept_as_a_draft(templates, fake_of):
    fake, model = fake_of(), {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5"}
    fake.will(
        *told(BRIEF, DRAFT, "They are angry.", verdict(1, 0.5), "All well.", verdict(0.5, 0.5))
    )
    async with connected(templates, fake) as slug:
        run = await generated(templates, model=f"{slug}/{model[slug]}", examples=["Dear Sirs, …"])
    assert run["status"] == "completed", run["error"]
    assert run["result"]["score"] == pytest.approx(0.625)
    assert float(run["cost_usd"]) > 0
    made = (await templates.at("GET", f"/{run['result']['template_id']}")).json()
    assert (made["name"], made["status"], made["category"]) == (
        "Letter summary",
        "draft",
        "support",
    )
    assert made["variables"]["required"] == ["words"]
    assert made["variables"]["properties"]["company"]["default"] == "Acme"
    version = (await templates.at("GET", f"/{made['id']}/versions/1")).json()
    assert version["origin"] == "generation"
    cases = version["evidence"]["cases"]
    assert [(each["name"], each["score"]) for each in cases] == [("Angry", 0.75), ("Calm", 0.5)]
    assert cases[0]["answer"] == "They are angry."
    assert cases[1]["variables"] == {"words": 30, "company": "Berg"}
    steps = [
        each["step"]
        for each in await events_of(templates, run)
        if "started" in each["type"] and "step" in each
    ]
    assert steps == ["describe", "generate", "validate", "evaluate"]
    path = f"/{made['id']}/publish"
    await templates.at("POST", path, {"min_score": 0.7}, expect=409)
    published = await templates.at("POST", path, {"min_score": 0.6})
    assert published.json()["labels"] == {"production": 1}
    values = {"variables": {"words": 5}}
    shown = (await templates.at("POST", f"/{made['id']}/render", values)).json()
    assert shown["messages"][0]["content"] == "For Acme: sum up in 5 words."


async def test_its_mistakes_are_told_to_the_model(templates):
    wrong = {**DRAFT, "messages": [{"role": "system", "content": "For {{ nobody }}"}]}
    fake = FakeOpenAI()
    fake.will(*told(BRIEF, "no JSON at all", wrong, DRAFT))
    fake.will(*told("A.", verdict(1, 1), "B.", verdict(1, 1)))
    async with connected(templates, fake):
        run = await generated(templates, model="openai/gpt-4o")
    assert run["status"] == "completed", run["error"]
    asked = [request.body["messages"] for request in fake.requests if request.method == "POST"]
    assert "not JSON" in asked[2][-1]["content"]
    assert "`nobody` is not among the variables" in asked[3][-1]["content"]
    assert [each["role"] for each in asked[3]] == ["system", "user", "assistant", "user"]
    retried = [each for each in await events_of(templates, run) if each["type"] == "step.retrying"]
    assert len(retried) == 2


async def test_after_three_corrections_it_is_over(templates):
    wrong = {**DRAFT, "examples": []}
    fake = FakeOpenAI()
    fake.will(*told(BRIEF, wrong, wrong, wrong, wrong))
    async with connected(templates, fake):
        run = await generated(templates, model="openai/gpt-4o")
    assert (run["status"], run["error"]["code"]) == ("failed", "template_generation_failed")
    assert "/examples" in run["error"]["detail"]
    assert len([each for each in fake.requests if each.method == "POST"]) == 5
    assert (await templates.at("GET")).json()["data"] == []


async def test_an_agent_is_written_as_its_instructions(templates):
    fake = FakeOpenAI()
    fake.will(*told(BRIEF, DRAFT, "A.", "no verdict", "B.", verdict(1, 0)))
    async with connected(templates, fake):
        run = await generated(templates, kind="agent", model="openai/gpt-4o", name="Mine")
    made = (await templates.at("GET", f"/{run['result']['template_id']}")).json()
    assert (made["name"], made["kind"]) == ("Mine", "agent")
    assert made["body"]["definition"]["instructions"].startswith("For {{ company }}")
    # The case that nobody could judge does not count.
    assert run["result"]["score"] == pytest.approx(0.5)


async def test_the_demo_says_that_it_cannot(templates):
    run = await generated(templates, model=DEMO)
    assert (run["status"], run["error"]["code"]) == ("failed", "template_model_missing")
    assert "demo provider" in run["error"]["detail"]


async def test_a_model_that_fails_ends_the_run_with_its_error(templates):
    fake = FakeOpenAI()
    fake.will(*told(BRIEF), status(401))
    async with connected(templates, fake):
        run = await generated(templates, model="openai/gpt-4o")
    assert run["status"] == "failed"
    assert run["error"]["code"] not in ("internal_error", "template_generation_failed")
    unknown = await templates.at("POST", "/generate", {**WISH, "model": "nobody/x"}, expect=422)
    assert unknown.json()["code"] == "model_unknown"


async def test_a_trial_asks_nobody(templates):
    await templates.at("POST", "/generate?dry_run=true", {**WISH, "model": DEMO}, expect=202)
    runs = (await templates.call("GET", "/v1/runs?kind=template_generation")).json()["data"]
    assert runs == []


async def test_a_model_that_writes_carelessly_is_taken_at_its_word(templates):
    brief = {**BRIEF, "category": "Customer Support!"}
    draft = {**DRAFT, "description": "Sums up.\x00", "examples": DRAFT["examples"][:1]}
    fake = FakeOpenAI()
    fake.will(*told(brief, draft, "Angry.\x00", verdict(1, 1)))
    async with connected(templates, fake):
        run = await generated(templates, model="openai/gpt-4o")
    assert run["status"] == "completed", run["error"]
    made = (await templates.at("GET", f"/{run['result']['template_id']}")).json()
    assert (made["category"], made["description"]) == ("customer-support", "Sums up.\ufffd")
    version = (await templates.at("GET", f"/{made['id']}/versions/1")).json()
    assert version["evidence"]["cases"][0]["answer"] == "Angry.\ufffd"
