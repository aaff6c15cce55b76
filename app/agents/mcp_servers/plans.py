"""How one server is reached with one credential: what two calls must share to share a session."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import orjson
from yarl import URL

from app.agents.credentials.finding import Credentials, Opened
from app.agents.mcp_servers.models import McpServer
from app.agents.mcp_servers.pinning import visible
from app.agents.mcp_servers.starting import expect_allowed
from app.agents.tools.errors import ToolUnfit
from app.core.auth import Access

HIDDEN: Final = "[credential]"
SHORTEST_SECRET: Final = 6
# How many times as much as is wanted of a text is looked at.
ROUGHLY: Final = 4
_PROCESS_KEY: Final = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Plan:
    """`url` with `headers`, or `command` with `environment`. `secrets` must stand in no result.

    `key` tells two plans apart: by the server, how it is reached, and with what.
    """

    key: str
    server_id: UUID
    url: str | None
    command: tuple[str, ...]
    headers: Mapping[str, str] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def without_secrets(self, text: str) -> str:
        for each in self.secrets:
            if len(each) >= SHORTEST_SECRET:
                text = text.replace(each, HIDDEN)
        return text

    def told(self, text: str, most: int) -> str:
        """What a server says, as people and models may read it: clean, and without our secrets.

        They are looked for before and after what nobody sees is taken out of the text, and before
        it is cut: a piece of one may be left of either.
        """
        rough = self.without_secrets(text)[: ROUGHLY * most]
        return self.without_secrets(visible(rough))[:most]

    def json_without_secrets(self, value: Any) -> Any:
        """The same of JSON; a number that is a secret becomes a text."""
        if not self.secrets:
            return value
        if isinstance(value, str):
            return self.without_secrets(value)
        if isinstance(value, list):
            return [self.json_without_secrets(each) for each in value]
        if isinstance(value, dict):
            return {
                self.without_secrets(name): self.json_without_secrets(each)
                for name, each in value.items()
            }
        if isinstance(value, int | float) and not isinstance(value, bool):
            said = self.without_secrets(str(value))
            return said if said != str(value) else value
        return value


async def plan_of(
    credentials: Credentials, commands: Sequence[str], access: Access, server: McpServer
) -> Plan:
    """Raises ToolUnfit, McpCommandNotAllowed, ToolCredentialNotFound and ToolCredentialUnusable."""
    transport = server.transport
    if transport["type"] == "stdio":
        expect_allowed(commands, transport["command"], transport["args"])
        opened = {
            name: await _opened(credentials, access, reference, f"https://{server.slug}.stdio")
            for name, reference in sorted(transport["env"].items())
        }
        environment = {name: each.values["token"] for name, each in opened.items()}
        command = (transport["command"], *transport["args"])
        return _plan(server, None, command, {}, environment, list(opened.values()))
    url = transport["url"]
    if server.credential is None:
        return _plan(server, url, (), {}, {}, [])
    one = await credentials.find(access, server.credential, "token", "basic", "headers")
    _expect_for(one, url)
    return _plan(server, url, (), one.headers(), {}, [one])


async def _opened(credentials: Credentials, access: Access, reference: str, url: str) -> Opened:
    found = await credentials.find(access, reference, "token")
    _expect_for(found, url)
    return found


def _expect_for(opened: Opened, url: str) -> None:
    where = URL(url)
    if not opened.may_go_to(where):
        raise ToolUnfit(f"The credential `{opened.name}` may not be sent to {where.host}.")


def _plan(
    server: McpServer,
    url: str | None,
    command: tuple[str, ...],
    headers: Mapping[str, str],
    environment: Mapping[str, str],
    opened: Sequence[Opened],
) -> Plan:
    said = orjson.dumps([str(server.id), url, command, headers, environment])
    key = hashlib.blake2b(said, key=_PROCESS_KEY).hexdigest()
    every = {each for one in opened for each in one.secrets()}
    hidden = tuple(
        sorted(every, key=len, reverse=True)
    )  # the longest go first: one may hold another
    return Plan(key, server.id, url, command, headers, environment, hidden)
