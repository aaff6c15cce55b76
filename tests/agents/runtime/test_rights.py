"""An agent's run that is taken up again: with the rights that whoever began it still has."""

from app.agents.tools.tool import ToolTraits

WRITES = ToolTraits("external", approval="always")


async def test_a_run_of_a_key_that_was_revoked_does_not_go_on(agency):
    talker = agency.talker
    scopes = ["agents:read", "agents:run", "models:invoke", "runs:read"]
    made = await talker.call("POST", "/v1/api-keys", json={"name": "k", "scopes": scopes})
    key = made.json()
    pay = agency.bench.add("pay", traits=WRITES, answer="paid")
    agent = await agency.make(tools=[{"tool": "test:pay"}])
    agency.calls(("pay", {"q": "10 USD"}))
    headers = {"Authorization": f"Bearer {key['key']}"}
    path = f"/v1/agents/{agent['slug']}/runs"
    run = (await talker.http.post(path, json={"input": "Go."}, headers=headers)).json()
    assert run["status"] == "paused", run
    await talker.call("DELETE", f"/v1/api-keys/{key['id']}")
    [approval] = await agency.get(f"/v1/runs/{run['id']}/approvals")
    body = {"decision": "approve", "note": ""}
    await talker.call("POST", f"/v1/approvals/{approval['id']}", json=body)
    ended = await agency.ended(run["id"])
    assert (ended["status"], pay.calls) == ("failed", [])
    assert ended["error"]["code"] == "run_starter_without_access"
