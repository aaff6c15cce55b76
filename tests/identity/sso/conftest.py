"""A service that is a client of a fake provider, and asks a fake name server."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rrset
import httpx2
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr

from app.core.config import Settings
from app.core.kernel import Kernel
from app.main import announce_stop, create_app
from tests.conftest import serve
from tests.support.fakes.idp import CLIENT_ID, CLIENT_SECRET, FakeProvider


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """Answers TXT questions from `records`; everything else does not exist."""

    records: dict[str, list[str]] = field(default_factory=dict)
    address: str = ""
    transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, peer) -> None:
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        name = question.question[0].name
        if texts := self.records.get(name.to_text(omit_final_dot=True)):
            quoted = [f'"{text}"' for text in texts]
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *quoted))
        else:
            answer.set_rcode(3)
        self.transport.sendto(answer.to_wire(), peer)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def name_server() -> AsyncIterator[NameServer]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        NameServer, local_addr=("127.0.0.1", 0), family=socket.AF_INET
    )
    host, port = transport.get_extra_info("sockname")
    server.address = f"{host}:{port}"
    yield server
    transport.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_provider() -> AsyncIterator[FakeProvider]:
    provider = FakeProvider()
    server, task, provider.url = await serve(provider.app)
    yield provider
    server.should_exit = True
    await task


@pytest_asyncio.fixture(loop_scope="session")
async def provider(running_provider: FakeProvider, sso_app: FastAPI) -> FakeProvider:
    """The provider as it is when nothing is wrong; nothing is remembered of it."""
    running_provider.reset()
    sso_app.state.ways = type(sso_app.state.ways)(sso_app.state.kernel)
    return running_provider


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sso_app(
    apart: Callable[[str], Settings], running_provider: FakeProvider, name_server: NameServer
) -> FastAPI:
    client = {"client_id": CLIENT_ID, "client_secret": SecretStr(CLIENT_SECRET)}
    return create_app(
        apart("sso").model_copy(
            update={
                **{f"github_{name}": value for name, value in client.items()},
                **{f"microsoft_{name}": value for name, value in client.items()},
                **{f"oidc_{name}": value for name, value in client.items()},
                "github_url": running_provider.url,
                "microsoft_url": running_provider.url,
                "oidc_issuer": running_provider.url,
                "dns_servers": (name_server.address,),
            }
        )
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sso_address(sso_app: FastAPI) -> AsyncIterator[str]:
    server, task, url = await serve(sso_app)
    yield url
    announce_stop(sso_app)
    server.should_exit = True
    await task


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sso_kernel(sso_address: str, sso_app: FastAPI) -> Kernel:
    return sso_app.state.kernel


@pytest_asyncio.fixture(loop_scope="session")
async def http(sso_address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=sso_address, timeout=20, verify=False) as client:
        yield client
