"""Calls of tools: where they may go, what proves who calls, and redirects that carry none of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from urllib.parse import unquote

from yarl import URL

from app.agents.credentials.errors import ToolCredentialNotFound, ToolCredentialUnusable
from app.agents.credentials.finding import Credentials, Opened
from app.agents.credentials.hosts import permits
from app.agents.tools.errors import ToolUnfit
from app.agents.tools.tool import ToolFault
from app.agents.tools.web.client import LONGEST_URL, Ask, Reply, ToolClient
from app.agents.tools.web.untrusted import masked
from app.core.auth import Access

MOST_REDIRECTS: Final = 5
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
SAFE: Final = frozenset({"GET", "HEAD"})
_PASSING: Final = frozenset({408, 425})
# What the connection is made of, or the service says itself.
NOT_SETTABLE: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "upgrade",
     "te", "trailer", "keep-alive", "proxy-authorization", "idempotency-key"}
)  # fmt: skip
# What proves who calls belongs in a credential.
PROOFS: Final = frozenset({"authorization", "cookie"})
Place = Literal["bearer", "header", "query"]


@dataclass(frozen=True, slots=True)
class Proof:
    """A credential and where it stands in a request: a token's place, and its field's name.

    Credentials of other kinds than `token` have places of their own.
    """

    credential: Opened
    place: Place = "bearer"
    field: str = ""

    def put(self, url: URL, headers: Mapping[str, str]) -> tuple[URL, dict[str, str]]:
        """The request with the credential in it; raises ToolFault where it cannot be put."""
        if self.credential.kind == "token" and self.place != "bearer":
            token = self.credential.values["token"]
            if self.place == "query":
                return url.update_query({self.field: token}), dict(headers)
            return url, _with(headers, {self.field: token})
        try:
            return url, _with(headers, self.credential.headers())
        except ToolCredentialUnusable as unusable:
            raise ToolFault("credential_unusable", unusable.detail) from None


@dataclass(frozen=True, slots=True)
class CredentialUse:
    """Which credential a tool sends, and where it stands; it is opened for each call anew."""

    name: str
    place: Place = "bearer"
    field: str = ""

    async def proof(self, credentials: Credentials, access: Access) -> Proof:
        """Raises ToolFault."""
        try:
            opened = await credentials.find(access, self.name, "token", "basic", "headers")
        except (ToolCredentialNotFound, ToolCredentialUnusable) as error:
            raise ToolFault("credential_unusable", error.detail) from None
        return Proof(opened, self.place, self.field)

    async def expect(self, credentials: Credentials, access: Access) -> None:
        """Raises ToolUnfit where there is no such credential."""
        if self.place != "bearer" and not self.field:
            raise ToolUnfit("The header or the parameter of the credential must be named.")
        if not await credentials.exists(access, self.name):
            raise ToolUnfit(f"There is no credential {self.name!r} with its secret.")


@dataclass(frozen=True, slots=True)
class Egress:
    """Where a call may lead: `hosts` are patterns, None for all; `base` begins every first URL."""

    hosts: tuple[str, ...] | None = None
    base: URL | None = None
    proof: Proof | None = field(default=None, repr=False)
    proof_needed: bool = False

    def check_first(self, url: URL) -> None:
        """Raises ToolFault where the tool may not call this URL."""
        if self.base is not None and not _below(self.base, url):
            raise ToolFault("refused_address", f"This tool only calls URLs below {self.base}.")
        proof = self.proof
        if proof is not None and self.proof_needed and not proof.credential.may_go_to(url):
            raise ToolFault(
                "credential_unusable",
                f"The credential `{proof.credential.name}` is not for {url.raw_host}.",
            )
        self.check(url)

    def check(self, url: URL) -> None:
        """Raises ToolFault where a call may not lead to this URL."""
        if self.hosts is not None and not permits(self.hosts, url):
            raise ToolFault("refused_address", f"This tool may not call {url.raw_host}.")

    @property
    def secrets(self) -> tuple[str, ...]:
        return self.proof.credential.secrets() if self.proof else ()


async def call(client: ToolClient, ask: Ask, egress: Egress, *, seconds: float) -> Reply:
    """The answer to a request, redirects of a GET or HEAD followed; raises ToolFault.

    Each address on the way is checked as the first was. Its headers, its content and its
    credential go to the first one's origin only.
    """
    egress.check_first(ask.url)
    ends = time.monotonic() + seconds
    step = ask
    for _ in range(MOST_REDIRECTS + 1):
        egress.check(step.url)
        left = max(0.0, ends - time.monotonic())
        sent = _proved(step, egress) if step.url.origin() == ask.url.origin() else _bare(step)
        try:
            reply = await client.exchange(sent, seconds=left)
        except ToolFault as fault:
            raise ToolFault(fault.code, masked(fault.message, egress.secrets)) from None
        reply = replace(reply, url=step.url)
        leads = reply.headers.get("location")
        if ask.method not in SAFE or reply.status not in REDIRECTS or not leads:
            return reply
        step = replace(step, url=_next(step.url, leads))
    raise ToolFault("too_many_redirects", f"It redirects more than {MOST_REDIRECTS} times.")


def _proved(ask: Ask, egress: Egress) -> Ask:
    if egress.proof is None or not egress.proof.credential.may_go_to(ask.url):
        return ask
    url, headers = egress.proof.put(ask.url, ask.headers)
    return replace(ask, url=url, headers=headers)


def _bare(ask: Ask) -> Ask:
    kept = {name: value for name, value in ask.headers.items() if name.lower() == "accept"}
    return replace(ask, headers=kept, content=None)


def _next(url: URL, location: str) -> URL:
    try:
        found = url.join(URL(location)).with_fragment(None)
        _ = found.port
    except ValueError:
        raise ToolFault("bad_url", f"{url.raw_host} redirects to what is no address.") from None
    if len(str(found)) > LONGEST_URL:
        raise ToolFault("bad_url", f"{url.raw_host} redirects to an address that is too long.")
    if found.scheme not in ("http", "https") or not found.raw_host:
        raise ToolFault("refused_address", f"{url.raw_host} redirects to what may not be called.")
    return found


def _below(base: URL, url: URL) -> bool:
    folder = base.raw_path.rstrip("/") + "/"
    inside = url.raw_path == base.raw_path or url.raw_path.startswith(folder)
    # Encoded, steps upwards would be taken by the server.
    climbs = ".." in unquote(url.raw_path).replace("\\", "/").split("/")
    return url.origin() == base.origin() and inside and not climbs


def _with(headers: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Headers with others in place of those of the same name."""
    named = {name.lower() for name in more}
    return {**{k: v for k, v in headers.items() if k.lower() not in named}, **more}


def fault_of(reply: Reply, said: str = "") -> ToolFault | None:
    """What a status of 300 and more means for the model; None for an answer that is one.

    `said` is what the server says of it, already marked as untrusted.
    """
    if reply.status < 300:
        return None
    host = reply.url.raw_host
    if reply.status == 429:
        after = reply.headers.get("retry-after", "").strip()[:40]
        when = f" Try again after {_when(after)}." if after else " Try again later."
        return ToolFault("rate_limited", f"{host} answers no more requests now.{when}")
    code = "not_found" if reply.status in (404, 410) else "http_status"
    more = f"\n{said}" if said else ""
    passing = reply.status >= 500 or reply.status in _PASSING
    return ToolFault(code, f"{host} answered with status {reply.status}.{more}", passing=passing)


def _when(after: str) -> str:
    return f"{after} seconds" if after.isdecimal() else "".join(c for c in after if c.isprintable())
