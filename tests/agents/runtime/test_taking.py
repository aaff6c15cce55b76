"""A run takes its agent as it is, also where it was begun by what was known of it before."""

from tests.support.identity import new_person
from tests.support.teams import new_team


def instructions_of(agency):
    return agency.fake.last.body["messages"][0]["content"]


async def patched(agency, agent, **change):
    answer = await agency.talker.call("PATCH", f"/v1/agents/{agent['id']}", json=change)
    assert answer.status_code == 200, answer.text


async def ran(agency, agent, **more):
    agency.says("Done.")
    run = await agency.run(agent, **more)
    assert run["status"] == "completed", run
    return run


async def test_a_change_counts_from_the_next_run_on(agency):
    agent = await agency.make(instructions="Say one.")
    for _ in range(2):
        assert (await ran(agency, agent))["agent_version"] == 1
    await patched(agency, agent, definition={"instructions": "Say two."})
    for _ in range(2):
        assert (await ran(agency, agent))["agent_version"] == 2
        assert instructions_of(agency).startswith("Say two.")


async def test_what_is_in_production_counts_from_the_next_run_on(agency):
    agent = await agency.make(instructions="Say one.")
    await patched(agency, agent, definition={"instructions": "Say two."})
    assert (await ran(agency, agent))["agent_version"] == 2
    label = f"/v1/agents/{agent['id']}/labels/production"
    answer = await agency.talker.call("PUT", label, json={"version": 1})
    assert answer.status_code < 300, answer.text
    assert (await ran(agency, agent))["agent_version"] == 1
    assert (await ran(agency, agent, version=2))["agent_version"] == 2


async def test_what_the_agent_was_before_refuses_nothing(agency):
    needed = {"type": "object", "properties": {"who": {"type": "string"}}, "required": ["who"]}
    agent = await agency.make(variables=needed)
    await ran(agency, agent, variables={"who": "Ada"})
    assert (await agency.start(agent)).status_code == 422
    await patched(agency, agent, definition={"variables": None})
    await ran(agency, agent)


async def test_an_agent_that_is_gone_is_not_run_as_it_was(agency):
    agent = await agency.make()
    await ran(agency, agent)
    await agency.talker.call("DELETE", f"/v1/agents/{agent['id']}")
    gone = await agency.start(agent)
    assert (gone.status_code, gone.json()["code"]) == (404, "agent_not_found")


async def test_a_name_that_another_agent_has_by_now_is_that_ones(agency):
    first, second = await agency.make("First"), await agency.make("Second")
    await ran(agency, first)
    slug = first["slug"]
    await patched(agency, first, slug="elsewhere")
    await patched(agency, second, slug=slug)
    assert (await ran(agency, {"slug": slug}))["agent_id"] == second["id"]


async def test_an_agent_that_is_shared_no_more_is_not_run(client, agency):
    owner, other = agency.talker.person, await new_person(client)
    team = await new_team(client, owner)
    await team.take_in(owner, other)
    member = await team.member_of(owner, other)
    body = {"name": "Secret", "slug": "secret", "visibility": "private"}
    body["definition"] = {"model": "demo/chat"}
    made = (await team.call(owner, "POST", "/v1/agents", body)).json()
    grantee = {"type": "member", "member_id": member["id"]}
    shares = f"/v1/agents/{made['id']}/shares"
    share = (await team.call(owner, "POST", shares, {"grantee": grantee})).json()
    path, asked = "/v1/agents/secret/runs", {"input": "Go."}
    begun = await team.call(other, "POST", path, asked)
    assert begun.status_code == 200, begun.text
    await team.call(owner, "DELETE", f"{shares}/{share['id']}")
    refused = await team.call(other, "POST", path, asked)
    assert (refused.status_code, refused.json()["code"]) == (404, "agent_not_found")
