"""An agent that is to remember has facts drawn from what its user said."""

import asyncio


async def test_facts_are_drawn_after_a_run(agency):
    settings = {"enabled": True, "model": agency.model}
    answer = await agency.talker.call("PATCH", "/v1/memories/settings", json=settings)
    assert answer.status_code == 200, answer.text
    agent = await agency.make(memory={"extract": True})
    agency.says("Noted.")
    fact = '{"facts": [{"text": "The user is called Ada.", "quote": "I am Ada", "kind": "fact"}]}'
    agency.says(fact)
    await agency.run(agent, "Hello, I am Ada.")
    for _ in range(200):
        found = (await agency.get("/v1/memories"))["data"]
        if found:
            break
        await asyncio.sleep(0.05)
    assert [each["text"] for each in found] == ["The user is called Ada."]
