"""Agents at the running service, with a scripted provider; and the official client of A2A."""

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest_asyncio
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.types import Message, Part, Role, SendMessageConfiguration, SendMessageRequest

from tests.agents.runtime.conftest import agency, bench, fake

__all__ = ["agency", "bench", "fake", "peer"]


class Peer:
    """Another system, which speaks A2A by the official SDK."""

    def __init__(self, address, agency):
        self.address, self.agency = address, agency
        self.headers = agency.talker.person.headers

    @asynccontextmanager
    async def client(self, agent=None, *, streaming=False, **more):
        """A client of one agent by its own card, or of the service."""
        path = f"/a2a/agents/{agent}/.well-known/agent-card.json" if agent else None
        async with httpx.AsyncClient(headers=self.headers, timeout=20) as http:
            place = {"agent_card_path": path} if path else {}
            card = await A2ACardResolver(http, self.address, **place).get_agent_card()
            for interface in card.supported_interfaces:  # the public address is not this one
                interface.url = self.address + httpx.URL(interface.url).path
            config = ClientConfig(streaming=streaming, httpx_client=http, **more)
            yield ClientFactory(config).create(card)


def asked(text="Hello", **more):
    configuration = SendMessageConfiguration(
        return_immediately=more.pop("return_immediately", False),
        history_length=more.pop("history_length", 0),
    )
    tenant = more.pop("tenant", "")
    parts = more.pop("parts", None) or [Part(text=text)]
    message = Message(
        message_id=more.pop("message_id", str(uuid4())), role=Role.ROLE_USER, parts=parts, **more
    )
    return SendMessageRequest(message=message, configuration=configuration, tenant=tenant)


async def held_up(agency):
    """An agent that is held up by a tool, until the event."""
    held = asyncio.Event()

    async def wait(_):
        await held.wait()
        return "x"

    agency.bench.add("wait", answer=wait)
    agent = await agency.make(tools=[{"tool": "test:wait"}])
    agency.calls(("wait", {"q": "1"}))
    return agent, held


@pytest_asyncio.fixture(loop_scope="session")
async def peer(address, agency):
    return Peer(address, agency)
