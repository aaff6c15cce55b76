"""web_search: one tool over several search services, chosen by the credentials there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import orjson
from yarl import URL

from app.agents.credentials.finding import Credentials
from app.agents.credentials.hosts import permits
from app.agents.tools.errors import ToolUnfit
from app.agents.tools.tool import Outcome, Tool, ToolContext, ToolFault, ToolTraits
from app.agents.tools.web import config as settings
from app.agents.tools.web.backends import BACKENDS, KEYLESS, Backend, Hit, Query
from app.agents.tools.web.calling import CredentialUse, Egress, call, fault_of
from app.agents.tools.web.client import Reply, ToolClient, address
from app.agents.tools.web.untrusted import masked, untrusted
from app.core.auth import Access

SECONDS: Final = 20.0
CHARACTERS: Final = 20_000
# What the marks take.
_AROUND: Final = 600
MOST_RESULTS: Final = 20


@dataclass(frozen=True, slots=True)
class WebSearch:
    """The built-in tool `web_search`."""

    client: ToolClient
    credentials: Credentials

    name = "web_search"
    description = "Search the web. Each result has a title, a URL and a few words of its text."
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["query"],
        "properties": {
            "query": {"type": "string", "minLength": 1, "maxLength": 400},
            "count": {"type": "integer", "minimum": 1, "maximum": MOST_RESULTS, "default": 8},
            "recency": {
                "enum": ["day", "week", "month", "year"],
                "description": "Only what is not older, where the service can tell.",
            },
        },
    }
    config: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "backend": {
                "enum": sorted(BACKENDS),
                "description": "Default: the first of brave, tavily and serper for which the "
                f"workspace has a credential of that name, else {KEYLESS}.",
            },
            "credential": {**settings.CREDENTIAL, "description": "Default: the back end's name."},
            "url": {
                **settings.URL,
                "description": "Where the service is; needed for searxng, else the vendor's own.",
            },
            "language": {"type": "string", "pattern": "^[a-z]{2,3}$", "default": "en"},
            "domains": {**settings.DOMAINS, "description": "Only results at these hosts."},
        },
    }
    traits = ToolTraits(
        effects="external", idempotent=True, seconds=SECONDS + 5, characters=CHARACTERS
    )

    async def open(self, access: Access, config: Mapping[str, Any]) -> Tool:
        """Raises ToolUnfit."""
        backend = BACKENDS[config.get("backend") or await self._usual(access)]
        base = config.get("url") or backend.base.format(language=config.get("language", "en"))
        if not base:
            raise ToolUnfit(f"`url` must say where {backend.name} is.")
        name = config.get("credential") or (backend.name if backend.needs_key else None)
        use = CredentialUse(name, backend.place, backend.field) if name else None
        if use is not None:
            await use.expect(self.credentials, access)
        return _Searcher(self, backend, address(base), use, config)

    async def missing(self, _: Access) -> str | None:
        return None

    async def _usual(self, access: Access) -> str:
        for name, backend in BACKENDS.items():
            if backend.needs_key and await self.credentials.exists(access, name):
                return name
        return KEYLESS


@dataclass(frozen=True, slots=True)
class _Searcher:
    """`web_search` by one service."""

    of: WebSearch
    backend: Backend
    base: URL
    use: CredentialUse | None
    config: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.of.name

    @property
    def description(self) -> str:
        return f"{self.of.description} {self.backend.scope}".strip()

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.of.parameters

    @property
    def traits(self) -> ToolTraits:
        return self.of.traits

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        """Raises ToolFault."""
        query = Query(
            arguments["query"],
            int(arguments.get("count", 8)),
            arguments.get("recency"),
            self.config.get("language", "en"),
        )
        egress = Egress()
        if self.use is not None:
            proof = await self.use.proof(self.of.credentials, ctx.access)
            egress = replace(egress, proof=proof, proof_needed=True)
        ask = self.backend.ask(self.base, query)
        reply = await call(self.of.client, ask, egress, seconds=SECONDS)
        if fault := fault_of(reply):
            raise fault
        hits = self._hits(reply, egress.secrets)[: query.count]
        return self._outcome(hits, query, ctx.key)

    def _hits(self, reply: Reply, secrets: Sequence[str]) -> list[Hit]:
        said = masked(reply.body.decode(errors="replace"), secrets)
        try:
            found = self.backend.hits(orjson.loads(said), self.base)
        except (AttributeError, KeyError, TypeError, ValueError):
            said = f"{self.backend.name} answered with what is no list of results."
            raise ToolFault("bad_answer", said) from None
        domains = self.config.get("domains")
        return [hit for hit in found if not domains or _within(hit.url, domains)]

    def _outcome(self, hits: list[Hit], query: Query, key: str) -> Outcome:
        if not hits:
            text = f"{self.backend.name} finds nothing for this query."
        else:
            lines = [
                f"{number}. {hit.title}\n   {hit.url}\n   {hit.snippet}"
                for number, hit in enumerate(hits, 1)
            ]
            text = untrusted(
                "\n".join(_fitting(lines)), source=f"{self.backend.name}, a search", key=key
            )
        results = [{"title": hit.title, "url": hit.url, "snippet": hit.snippet} for hit in hits]
        return Outcome(
            text,
            {
                "query": query.text,
                "backend": self.backend.name,
                "results": results,
                "untrusted": True,
            },
        )


def _fitting(lines: list[str]) -> list[str]:
    """Whole results, as many as a model is shown."""
    left, shown = CHARACTERS - _AROUND, []
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        shown.append(line)
    return shown


def _within(url: str, domains: list[str]) -> bool:
    try:
        return permits(map(str.lower, domains), URL(url))
    except ValueError:
        return False
