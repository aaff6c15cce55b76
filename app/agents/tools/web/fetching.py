"""fetch_page: what stands at an address, as Markdown."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from app.agents.tools.tool import Outcome, Tool, ToolContext, ToolTraits
from app.agents.tools.web import config
from app.agents.tools.web.calling import Egress, call, fault_of
from app.agents.tools.web.client import Ask, ToolClient, address
from app.agents.tools.web.reading import MOST_BYTES, Read, read
from app.agents.tools.web.untrusted import untrusted, visible
from app.core.auth import Access
from app.knowledge.parsing.parse import Parsers

SECONDS: Final = 30.0
CHARACTERS: Final = 20_000
ACCEPT: Final = "text/html, application/xhtml+xml, text/*;q=0.9, application/json;q=0.8, */*;q=0.5"
# What the marks, the title, the address and the hint at the rest take.
_AROUND: Final = 6_000


@dataclass(frozen=True, slots=True)
class FetchPage:
    """The built-in tool `fetch_page`."""

    client: ToolClient
    parsers: Parsers

    name = "fetch_page"
    description = (
        "Read what stands at a URL: a web page as Markdown with its links, plain text, JSON, or "
        "the text of a PDF. A long text comes in parts: `start` says where to go on."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["url"],
        "properties": {
            "url": {"type": "string", "minLength": 8, "maxLength": 4000, "format": "uri"},
            "start": {
                "type": "integer",
                "minimum": 0,
                "maximum": 10_000_000,
                "default": 0,
                "description": "The character from which on it is wanted.",
            },
        },
    }
    config: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"domains": config.DOMAINS},
    }
    traits = ToolTraits(
        effects="external",
        idempotent=True,
        seconds=SECONDS + 30,
        characters=CHARACTERS,
        approval="unseen_url",
    )

    async def open(self, _: Access, config: Mapping[str, Any]) -> Tool:
        domains = config.get("domains")
        return _Fetcher(self, Egress(tuple(map(str.lower, domains)) if domains else None))

    async def missing(self, _: Access) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class _Fetcher:
    """`fetch_page` with the hosts that an agent may read."""

    of: FetchPage
    egress: Egress

    @property
    def name(self) -> str:
        return self.of.name

    @property
    def description(self) -> str:
        hosts = self.egress.hosts
        return (
            f"{self.of.description} Only these hosts: {', '.join(hosts)}."
            if hosts
            else (self.of.description)
        )

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.of.parameters

    @property
    def traits(self) -> ToolTraits:
        return self.of.traits

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        """Raises ToolFault."""
        url = address(arguments["url"])
        ask = Ask("GET", url, {"Accept": ACCEPT}, most_bytes=MOST_BYTES)
        reply = await call(self.of.client, ask, self.egress, seconds=SECONDS)
        if fault := fault_of(reply):
            raise fault
        found = await read(reply, self.of.parsers)
        start = int(arguments.get("start", 0))
        return await asyncio.to_thread(_outcome, found, str(reply.url), start, ctx.key)


def _outcome(found: Read, url: str, start: int, key: str) -> Outcome:
    text = visible(found.text)
    end = min(len(text), start + CHARACTERS - _AROUND)
    part = text[start:end]
    rest = (
        f"\nCharacters {start} to {end} of {len(text)}; go on with `start`: {end}."
        if end < len(text)
        else ""
    )
    title = visible(found.title)
    said = f"{title}\n\n{part}" if title and start == 0 else part
    host = url.split("/")[2]
    return Outcome(
        f"{url}\n{untrusted(said or '(no text)', source=host, key=key)}{rest}",
        {
            "url": url,
            "title": title,
            "media_type": found.media_type,
            "text": part,
            "start": start,
            "end": end,
            "characters": len(text),
            "links": [{"text": link.text, "url": link.url} for link in found.links],
            "untrusted": True,
        },
    )
