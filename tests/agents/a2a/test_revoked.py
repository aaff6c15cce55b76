"""A key that is taken back while a task is followed."""

import asyncio

import pytest
from a2a.types import SubscribeToTaskRequest

from app.core.http import event_stream
from tests.agents.a2a.conftest import Peer, asked, held_up
from tests.support.identity import bearer, new_key


@pytest.mark.parametrize("by", ["message", "subscription"])
async def test_whose_key_has_ended_follows_no_longer_and_the_task_goes_on(
    client, agency, peer, monkeypatch, by
):
    monkeypatch.setattr(event_stream, "RECHECK_SECONDS", 0.05)
    agent, held = await held_up(agency)
    person = agency.talker.person
    key = await new_key(client, person)
    other = Peer(peer.address, agency)
    other.headers = bearer(key["key"])
    async with asyncio.timeout(20), other.client(agent["slug"], streaming=True) as following:
        asking = following.send_message(asked())
        task = (await anext(asking)).task
        if by == "subscription":
            await asking.aclose()
            asking = following.subscribe(SubscribeToTaskRequest(id=task.id))
            await anext(asking)
        gone = await client.delete(f"/v1/api-keys/{key['id']}", headers=person.headers)
        assert gone.status_code == 204, gone.text
        rest = [event async for event in asking]
    assert [event for event in rest if event.HasField("status_update")] == []
    run = await agency.get(f"/v1/runs/{task.id}")
    assert run["status"] == "running"
    held.set()
