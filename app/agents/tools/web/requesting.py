"""http_request: any HTTP call that an author allows, with a credential that no model sees."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal

import orjson

from app.agents.credentials.finding import Credentials
from app.agents.tools.errors import ToolUnfit
from app.agents.tools.tool import Outcome, Tool, ToolContext, ToolFault, ToolTraits
from app.agents.tools.web import config as settings
from app.agents.tools.web.answering import outcome_of
from app.agents.tools.web.calling import (
    NOT_SETTABLE,
    PROOFS,
    SAFE,
    CredentialUse,
    Egress,
    Place,
    call,
)
from app.agents.tools.web.client import Ask, ToolClient, address
from app.core.auth import Access

SECONDS: Final = 30.0
CHARACTERS: Final = 20_000
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
MOST_CONTENT: Final = 256 * 1024
_URL: Final[dict[str, Any]] = {
    "type": "string",
    "minLength": 8,
    "maxLength": 4000,
    "format": "uri",
    "description": "The whole URL, with its query.",
}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """The built-in tool `http_request`."""

    client: ToolClient
    credentials: Credentials

    name = "http_request"
    description = "Call an HTTP service and read its answer."
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["url"],
        "properties": {"url": _URL},
    }
    config: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "anyOf": [{"required": ["base_url"]}, {"required": ["domains"]}],
        "properties": {
            "base_url": settings.URL,
            "domains": settings.DOMAINS,
            "methods": {
                "type": "array",
                "items": {"enum": list(METHODS)},
                "minItems": 1,
                "uniqueItems": True,
                "default": ["GET"],
                "description": "With none but GET and HEAD, a URL that was seen needs no approval.",
            },
            "headers": {
                "type": "object",
                "maxProperties": 16,
                "propertyNames": {"pattern": "^[A-Za-z0-9-]{1,100}$"},
                "additionalProperties": {
                    "type": "string", "maxLength": 1000, "pattern": "^[ -~]*$",
                },
                "description": "Sent with each request; for secrets there are credentials.",
            },
            "credential": settings.CREDENTIAL,
            "credential_in": {"enum": ["bearer", "header", "query"], "default": "bearer"},
            "credential_field": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_.-]{1,100}$",
                "description": "The name of the header or of the query's parameter.",
            },
        },
    }  # fmt: skip
    traits = ToolTraits(effects="external", idempotent=True, seconds=SECONDS, approval="unseen_url")

    async def open(self, access: Access, config: Mapping[str, Any]) -> Tool:
        """Raises ToolUnfit."""
        base = address(config["base_url"]) if config.get("base_url") else None
        domains = config.get("domains")
        below = (base.host_port_subcomponent or "",) if base is not None else None
        egress = Egress(tuple(map(str.lower, domains)) if domains else below, base)
        headers = dict(config.get("headers", {}))
        _expect_settable({*headers, config.get("credential_field", "")})
        if refused := {name for name in headers if name.lower() in PROOFS}:
            raise ToolUnfit(f"`{min(refused)}` belongs in a credential.")
        use = None
        if name := config.get("credential"):
            place: Place = config.get("credential_in", "bearer")
            use = CredentialUse(name, place, config.get("credential_field", ""))
            await use.expect(self.credentials, access)
        methods = tuple(config.get("methods", ("GET",)))
        return _Requester(self, egress, use, methods, headers)

    async def missing(self, _: Access) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class _Requester:
    """`http_request` as an agent's author allows it."""

    of: HttpRequest
    egress: Egress
    use: CredentialUse | None
    methods: tuple[str, ...]
    headers: Mapping[str, str]

    name = "http_request"

    @property
    def _reads(self) -> bool:
        return set(self.methods) <= SAFE

    @property
    def description(self) -> str:
        where = self.egress.base or ", ".join(self.egress.hosts or ())
        return f"Call an HTTP service and read its answer. Only: {where}."

    @property
    def parameters(self) -> Mapping[str, Any]:
        told: dict[str, Any] = {"url": _URL}
        if self.methods != ("GET",):
            told["method"] = {"enum": list(self.methods), "default": self.methods[0]}
        if not self._reads:
            told["json"] = {"description": "The content, as JSON."}
            told["text"] = {"type": "string", "description": "The content, as plain text instead."}
        return {
            "type": "object", "additionalProperties": False, "required": ["url"],
            "properties": told,
        }  # fmt: skip

    @property
    def traits(self) -> ToolTraits:
        approval: Literal["unseen_url", "always"] = "unseen_url" if self._reads else "always"
        return ToolTraits(
            effects="external",
            idempotent=self._reads,
            seconds=SECONDS,
            characters=CHARACTERS,
            approval=approval,
        )

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        """Raises ToolFault."""
        method = arguments.get("method", self.methods[0])
        if method not in self.methods:
            raise ToolFault("refused_method", f"This tool only does {', '.join(self.methods)}.")
        headers = {"Accept": "application/json, text/*;q=0.9, */*;q=0.5", **self.headers}
        content = None
        if method not in SAFE:
            headers["Idempotency-Key"] = ctx.key
            content = _content(arguments, headers)
        ask = Ask(method, address(arguments["url"]), headers, content)
        egress = self.egress
        if self.use is not None:
            egress = replace(egress, proof=await self.use.proof(self.of.credentials, ctx.access))
        reply = await call(self.of.client, ask, egress, seconds=SECONDS)
        return outcome_of(reply, egress.secrets, ctx.key, CHARACTERS)


def _expect_settable(names: set[str]) -> None:
    if refused := {name for name in names if name.lower() in NOT_SETTABLE}:
        raise ToolUnfit(f"The header `{min(refused)}` cannot be set.")


def _content(arguments: Mapping[str, Any], headers: dict[str, str]) -> bytes | None:
    if "json" in arguments:
        headers.setdefault("Content-Type", "application/json")
        content = orjson.dumps(arguments["json"])
    elif "text" in arguments:
        headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        content = str(arguments["text"]).encode()
    else:
        return None
    if len(content) > MOST_CONTENT:
        raise ToolFault("too_large", f"At most {MOST_CONTENT // 1024} KiB can be sent.")
    return content
