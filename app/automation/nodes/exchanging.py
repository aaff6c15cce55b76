"""One exchange with an HTTP service, by the tools' guarded way out: bounded, secrets masked."""

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import Field

from app.agents.credentials.finding import Credentials
from app.agents.tools.tool import ToolFault
from app.agents.tools.web.calling import NOT_SETTABLE, PROOFS, CredentialUse, Egress, Place, call
from app.agents.tools.web.client import Ask, Reply, ToolClient, address
from app.agents.tools.web.reading import is_text, text_of
from app.agents.tools.web.untrusted import masked
from app.automation.nodes.faults import fault_of_tool
from app.automation.nodes.fields import CREDENTIAL, MIB
from app.automation.nodes.node_type import StepFault
from app.core.auth import Access
from app.core.clock import now
from app.core.json_limits import storable, too_deep
from app.core.schema import Input, Number, Text

MOST_CONTENT: Final = MIB
MOST_ANSWER: Final = 2 * MIB
# An attempt's own time ends it; this is for those that have an hour.
LONGEST_SECONDS: Final = 600.0
LONGEST_WAIT: Final = 86_400.0
_SAID: Final = 1000
_SHOWN_HEADERS: Final = 64
# What may do at another time.
_PASSING: Final = frozenset({408, 425, 429})
_HIDDEN: Final = frozenset({"set-cookie", "www-authenticate", "proxy-authenticate"})

Url = Annotated[
    Text,
    Field(min_length=8, max_length=4000, description="The whole URL, `https://` and all."),
]
HeaderName = Annotated[Text, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")]
Headers = Annotated[
    dict[HeaderName, Annotated[Text, Field(max_length=2000, pattern=r"^[ -~]*$")]],
    Field(max_length=32, description="For secrets there are credentials."),
]
Query = Annotated[
    dict[
        Annotated[Text, Field(min_length=1, max_length=100)],
        Annotated[Text, Field(max_length=2000)] | Number | bool,
    ],
    Field(max_length=64, description="Added to those of the URL."),
]


class CredentialConfig(Input):
    """Which credential is sent, and where a token stands."""

    name: Annotated[Text, Field(min_length=1, max_length=64, description=CREDENTIAL)]
    place: Annotated[Place, Field(description="Of a token.")] = "bearer"
    field: Annotated[
        Text,
        Field(
            max_length=100,
            pattern=r"^[A-Za-z0-9_.-]*$",
            description="The header's or the parameter's name.",
        ),
    ] = ""

    def use(self) -> CredentialUse:
        return CredentialUse(self.name, self.place, self.field)


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, Any]
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer with an expected status; `encoding` says what `body` is."""

    host: str
    status: int
    headers: Mapping[str, str]
    body: Any
    encoding: Literal["json", "text", "base64"]

    def told(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "headers": dict(self.headers),
            "body": self.body,
            "encoding": self.encoding,
        }


def origin_of(url: str) -> str | None:
    """`https://api.example.com`, or None for what is no URL."""
    try:
        return str(address(url).origin())
    except (ToolFault, ValueError):
        return None


def content_of(body: Any, headers: dict[str, str]) -> bytes | None:
    """A body as it is sent, its type among the headers unless they name one."""
    if body is None:
        return None
    named = {name.lower() for name in headers}
    if isinstance(body, str):
        content, kind = body.encode(errors="replace"), "text/plain; charset=utf-8"
    else:
        content, kind = orjson.dumps(body), "application/json"
    if len(content) > MOST_CONTENT:
        raise StepFault("too_large", f"At most {MOST_CONTENT // 1024} KiB can be sent.")
    if "content-type" not in named:
        headers["Content-Type"] = kind
    return content


async def exchange(
    client: ToolClient,
    credentials: Credentials,
    access: Access,
    request: Request,
    credential: CredentialConfig | None = None,
    expect: Collection[int] | None = None,
) -> Answered:
    """Raises StepFault: `http_status`, `rate_limited`, `response_too_large`, and the way out's."""
    if refused := {each for each in request.headers if _is_ours(each)}:
        raise StepFault("header_not_settable", f"The header `{min(refused)}` cannot be set.")
    try:
        proof = await credential.use().proof(credentials, access) if credential else None
        url = address(request.url)
        if request.query:
            url = url.extend_query({name: _written(each) for name, each in request.query.items()})
        headers = {"Accept": "application/json, text/*;q=0.9, */*;q=0.5", **request.headers}
        ask = Ask(request.method, url, headers, request.content, MOST_ANSWER)
        egress = Egress(proof=proof, proof_needed=proof is not None)
        reply = await call(client, ask, egress, seconds=LONGEST_SECONDS)
    except ToolFault as fault:
        raise fault_of_tool(fault) from None
    body, encoding = _body(reply, egress.secrets)
    _expect_status(reply, expect, body)
    if reply.cut:
        said = f"{reply.url.raw_host} answered with more than {MOST_ANSWER // MIB} MiB."
        raise StepFault("response_too_large", said)
    shown = {
        name.lower(): masked(value, egress.secrets)[:2000]
        for name, value in list(reply.headers.items())[:_SHOWN_HEADERS]
        if name.lower() not in _HIDDEN
    }
    return Answered(reply.url.raw_host or "", reply.status, shown, body, encoding)


def _is_ours(name: str) -> bool:
    """Whether only the service itself, or a credential, says this header."""
    lowered = name.lower()
    return lowered in PROOFS or (lowered in NOT_SETTABLE and lowered != "idempotency-key")


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _body(reply: Reply, secrets: Sequence[str]) -> tuple[Any, Literal["json", "text", "base64"]]:
    if not reply.body:
        return None, "text"
    if reply.media_type and not is_text(reply.media_type):
        return base64.b64encode(reply.body).decode(), "base64"
    said = masked(text_of(reply), secrets).replace("\x00", "\ufffd")
    if "json" in reply.media_type and not reply.cut:
        try:
            value = orjson.loads(said)
        except orjson.JSONDecodeError:
            return said, "text"
        if too_deep(said.encode(), value) is None:
            return storable(value), "json"
    return said, "text"


def _expect_status(reply: Reply, expect: Collection[int] | None, body: Any) -> None:
    status = reply.status
    if status in expect if expect is not None else 200 <= status < 300:
        return
    said = body if isinstance(body, str) else orjson.dumps(body).decode()
    raise StepFault(
        "rate_limited" if status == 429 else "http_status",
        f"{reply.url.raw_host} answered with status {status}.",
        retryable=status in _PASSING or status >= 500,
        retry_after=_wait_of(reply.headers.get("retry-after", "")),
        detail={"status": status, "body": said[:_SAID]},
    )


def _wait_of(said: str) -> float | None:
    """The seconds that `Retry-After` asks for, as a number or as a date."""
    given = said.strip()
    if given.isdecimal():
        return min(float(given[:9]), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(given)
    except ValueError:
        return None
    at = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (at - now()).total_seconds()), LONGEST_WAIT)
