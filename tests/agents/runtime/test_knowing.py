"""Agents that draw on documents: by themselves with each prompt, or when their model asks."""

import pytest_asyncio

from tests.agents.local.test_knowing import HANDBOOK, collection_of, document_of
from tests.support.knowledge import indexed

QUESTION = "Which class on long train trips?"


@pytest_asyncio.fixture(loop_scope="session")
async def handbook(app, agency):
    collection = await collection_of(agency.talker, "handbook")
    document = await document_of(agency.talker, collection, "travel.md", HANDBOOK.encode())
    await indexed(app, agency.talker.person.workspace_id)
    return collection, document


async def _sources(agency, run):
    events = (await agency.events(run["id"])).events
    return [each for each in events if each["type"] == "source.added"]


async def test_what_a_model_searches_for_is_told_as_a_source(agency, handbook):
    _, document = handbook
    agent = await agency.make(tools=[{"tool": "search_knowledge"}])
    agency.calls(("search_knowledge", {"query": QUESTION}))
    agency.says("First class [1].")
    run = await agency.run(agent, QUESTION)
    assert (run["status"], run["output"]) == ("completed", "First class [1].")
    [source] = await _sources(agency, run)
    assert (source["kind"], source["number"]) == ("document", 1)
    assert source["subject_id"] == document["id"]


async def test_an_agents_collections_are_in_its_prompt(agency, handbook):
    collection, document = handbook
    agent = await agency.make(collections=[collection["id"]])
    agency.says("First class [1].")
    run = await agency.run(agent, QUESTION)
    assert run["status"] == "completed", run["error"]
    assert "Trains are booked in first class" in agency.fake.last.body["messages"][0]["content"]
    [source] = await _sources(agency, run)
    assert source["subject_id"] == document["id"]
    [step] = (await agency.get(f"/v1/runs/{run['id']}/context"))["data"]
    sections = {each["section"]: each["tokens"] for each in step["context"]["sections"]}
    assert sections["knowledge"] > 0
