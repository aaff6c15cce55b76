"""What entered a prompt, and what was left out, can be asked for afterwards."""

from tests.agents.runtime.conftest import agency, bench, fake

__all__ = ["agency", "bench", "fake"]


async def test_a_run_explains_its_prompts(agency):
    talker = agency.talker
    for text in ("The user prefers tea.", "The user lives in Oslo."):
        answer = await talker.call("POST", "/v1/memories", json={"scope": "user", "text": text})
        assert answer.status_code == 201, answer.text
    block = {"label": "tone", "text": "Be kind."}
    assert (await talker.call("POST", "/v1/memory-blocks", json=block)).status_code == 201
    agent = await agency.make(
        instructions="You serve drinks.",
        memory={"scopes": ["user"], "blocks": ["tone"], "tokens": 500},
    )
    agency.says("Tea?")
    run = await agency.run(agent, "What should I prefer to drink, tea or coffee?")
    system = agency.fake.last.body["messages"][0]["content"]
    assert "Be kind." in system
    assert "prefers tea" in system
    explained = await agency.get(f"/v1/runs/{run['id']}/context")
    assert explained["instructions"] == "You serve drinks."
    [step] = explained["data"]
    sections = {each["section"]: each for each in step["context"]["sections"]}
    assert {"instructions", "rules", "blocks", "memory", "conversation"} <= sections.keys()
    assert sections["memory"]["items"][0]["text"] == "The user prefers tea."
    assert all(each["tokens"] > 0 for each in sections.values())
    events = (await agency.events(run["id"])).events
    [told] = [each for each in events if each["type"] == "memory.recalled"]
    assert (told["memory_id"], told["path"]) == (sections["memory"]["items"][0]["id"], "")
    created = next(each for each in events if each["type"] == "message.created")
    assert told["message_id"] == created["message_id"]


async def test_a_budget_of_memory_holds_and_says_what_it_left_out(agency):
    for number in range(6):
        text = f"The user likes tea of the kind number {number}, " + "very " * 40
        await agency.talker.call("POST", "/v1/memories", json={"scope": "user", "text": text})
    agent = await agency.make(memory={"scopes": ["user"], "tokens": 150})
    agency.says("Tea.")
    run = await agency.run(agent, "Which tea does the user like?")
    [step] = (await agency.get(f"/v1/runs/{run['id']}/context"))["data"]
    sections = {each["section"]: each for each in step["context"]["sections"]}
    assert sections["memory"]["tokens"] <= 160
    assert any(each["reason"] == "budget" for each in step["context"]["left_out"])
