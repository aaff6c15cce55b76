"""Workflows with triggers, made through the API."""

import asyncio
import base64
import hmac
import time

import pytest

from app.automation.triggers.signatures import key_of
from tests.support.identity import new_person

ECHO = {
    "dsl": "flow/1",
    "nodes": [{"id": "echo", "type": "transform", "with": {"value": "{{ inputs }}"}}],
    "outputs": "{{ nodes.echo.output }}",
}
SOON = 60.0


class Bench:
    """What one person does with workflows and triggers."""

    def __init__(self, http, person):
        self.http, self.person = http, person

    async def call(self, method, path, body=None, *, expect=200, **query):
        answer = await self.http.request(
            method, path, json=body, headers=self.person.headers, params=query
        )
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def workflow(self, definition=ECHO, **more):
        body = {"name": "Echo", "definition": definition, **more}
        return await self.call("POST", "/v1/workflows", body, expect=201)

    async def trigger(self, workflow, on, *, expect=201, **more):
        body = {"name": "A trigger", "workflow": workflow["id"], "on": on, **more}
        return await self.call("POST", "/v1/workflow-triggers", body, expect=expect)

    async def show(self, trigger):
        return await self.call("GET", f"/v1/workflow-triggers/{trigger['id']}")

    async def change(self, trigger, *, expect=200, **change):
        path = f"/v1/workflow-triggers/{trigger['id']}"
        return await self.call("PATCH", path, change, expect=expect)

    async def deliveries(self, trigger, least=1):
        """All of them, the newest first, once there are so many and none is pending any more."""
        path, ends = f"/v1/workflow-triggers/{trigger['id']}/deliveries", time.monotonic() + SOON
        while True:
            found = (await self.call("GET", path))["data"]
            if len(found) >= least and all(each["status"] != "pending" for each in found):
                return found
            assert time.monotonic() < ends, found
            await asyncio.sleep(0.05)

    async def output(self, run_id):
        """What a run gives in the end; it begins a moment after it was promised."""
        ends = time.monotonic() + SOON
        while True:
            answer = await self.http.get(f"/v1/runs/{run_id}", headers=self.person.headers)
            run = answer.json()
            if run.get("ended_at") is not None:
                assert run["status"] == "completed", run
                return run["result"]["output"]
            assert time.monotonic() < ends, run
            await asyncio.sleep(0.05)

    async def fire(self, trigger, *, expect=202, dry_run=None, **sample):
        path = f"/v1/workflow-triggers/{trigger['id']}/fire"
        query = {"dry_run": "true"} if dry_run else {}
        return await self.call("POST", path, sample, expect=expect, **query)

    async def post(self, trigger, body, *, expect=202, **headers):
        """Send something to a webhook, as somebody outside does."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        told.setdefault("content-type", "application/json")
        path = "/hooks/" + trigger["url"].rpartition("/")[2]
        answer = await self.http.post(path, content=body, headers=told)
        assert answer.status_code == expect, answer.text
        return answer.json()


def signed(secret, message_id, body, at=None):
    """The headers of Standard Webhooks."""
    stamp = str(int(time.time() if at is None else at))
    proof = hmac.digest(key_of(secret), f"{message_id}.{stamp}.".encode() + body, "sha256")
    return {
        "webhook_id": message_id,
        "webhook_timestamp": stamp,
        "webhook_signature": f"v1,{base64.b64encode(proof).decode()}",
    }


@pytest.fixture
async def bench(client):
    return Bench(client, await new_person(client))
