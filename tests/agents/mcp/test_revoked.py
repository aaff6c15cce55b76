"""A key that is taken back in the middle of a call."""

from app.core.http import event_stream
from tests.agents.mcp.test_endpoint import ACCEPT, SLOW, new_agent
from tests.support.identity import bearer, new_key, new_person, until


async def test_whose_key_has_ended_is_told_nothing_more(client, address, monkeypatch):
    monkeypatch.setattr(event_stream, "RECHECK_SECONDS", 0.05)
    person = await new_person(client)
    await new_agent(client, person, "slow", SLOW)
    key = await new_key(client, person)
    call = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {"name": "run_agent_slow", "arguments": {"input": "x"}},
    }

    async def runs(status):
        answer = await client.get("/v1/runs", headers=person.headers)
        return [each for each in answer.json()["data"] if each["status"] == status]

    headers = {**bearer(key["key"]), **ACCEPT, "Mcp-Protocol-Version": "2025-06-18"}
    async with client.stream("POST", "/mcp", json=call, headers=headers) as answer:
        await until(lambda: runs("running"))
        gone = await client.delete(f"/v1/api-keys/{key['id']}", headers=person.headers)
        assert gone.status_code == 204, gone.text
        heard = b"".join([piece async for piece in answer.aiter_bytes()])
    assert b"result" not in heard
    await until(lambda: runs("cancelled"))
