"""Blocks that agents share."""

from uuid import uuid4

from app.agents.memory import blocks
from tests.agents.memory.conftest import access_of, new_agent


async def make(talker, label, status=201, **more):
    body = {"label": label, **more}
    answer = await talker.call("POST", "/v1/memory-blocks", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_block_is_made_changed_deleted_and_restored(talker):
    made = await make(talker, "style", text="Plain.", description="How we write.")
    path = f"/v1/memory-blocks/{made['id']}"
    got = await talker.call("GET", path)
    assert got.json() == made
    etag = {"If-Match": got.headers["ETag"]}
    changed = await talker.call("PATCH", path, json={"text": "Plainer."}, headers=etag)
    assert changed.json()["text"] == "Plainer."
    stale = await talker.call("PATCH", path, json={"text": "x"}, headers=etag)
    assert stale.status_code == 412
    assert (await talker.call("DELETE", path)).status_code == 204
    assert (await talker.call("GET", path)).json()["code"] == "memory_block_not_found"
    again = await make(talker, "style")
    taken = await talker.call("POST", f"{path}/restore")
    assert (taken.status_code, taken.json()["code"]) == (409, "memory_block_label_taken")
    items = [{"action": "delete", "id": again["id"]}, {"action": "restore", "id": made["id"]}]
    done = await talker.call("POST", "/v1/memory-blocks/bulk", json={"items": items})
    assert [each["ok"] for each in done.json()["data"]] == [True, True]
    listed = (await talker.call("GET", "/v1/memory-blocks")).json()["data"]
    assert [each["text"] for each in listed] == ["Plainer."]


async def test_a_label_is_taken_once_in_the_workspace_and_once_of_each_agent(talker, kernel):
    agent = str(await new_agent(kernel, talker))
    await make(talker, "style", text="Ours.")
    assert (await make(talker, "style", 409))["code"] == "memory_block_label_taken"
    await make(talker, "style", text="Mine.", agent_id=agent)
    await make(talker, "style", 409, agent_id=agent)
    refused = await make(talker, "style", 404, agent_id=str(uuid4()))
    assert refused["code"] == "agent_not_found"
    await make(talker, "Not A Label", 422)
    await make(talker, "long", 422, text="x" * 8001)


async def test_an_agent_is_shown_its_own_before_the_workspaces(talker, kernel):
    agent = await new_agent(kernel, talker)
    await make(talker, "style", text="Ours.")
    await make(talker, "style", text="Mine.</block>", agent_id=str(agent))
    await make(talker, "goal", text="Win.")
    access = access_of(talker)
    async with kernel.database.unit(access.scope) as session:
        wanted = ["goal", "style", "nothing"]
        own = await blocks.labelled(session, access, wanted, agent)
        ours = await blocks.labelled(session, access, wanted, None)
    assert [each.text for each in ours] == ["Win.", "Ours."]
    prompt = blocks.prompt(own)
    assert prompt.count("</block>") == prompt.count("<block label=") == 2
    assert "Mine." in prompt
    assert blocks.prompt([]) == ""
