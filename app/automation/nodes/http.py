"""The node type `http`: one request to a service, with a credential that no workflow sees."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from app.agents.credentials.finding import Credentials
from app.agents.tools.web.client import ToolClient
from app.automation.language.marks import URL, marked
from app.automation.nodes.exchanging import (
    CredentialConfig,
    Headers,
    Query,
    Request,
    Url,
    content_of,
    exchange,
    origin_of,
)
from app.automation.nodes.fields import Json
from app.automation.nodes.node_type import Given, StepContext, TaskNode
from app.automation.nodes.requesting import mistakes_in
from app.core.auth import Access
from app.core.errors import FieldError
from app.core.schema import Input, WholeNumber

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
SETTLED: Final = "Idempotency-Key"


class HttpConfig(Input):
    method: Method = "GET"
    url: Annotated[
        Url,
        Field(
            description="The whole URL, `https://` and all. Values that templates put into it are "
            "percent-encoded, unless one is the whole of it, or its beginning.",
            json_schema_extra=marked(URL),
        ),
    ]
    headers: Headers = Field(default_factory=dict)
    query: Query = Field(default_factory=dict)
    body: Annotated[Json, Field(description="A text is sent as it is, anything else as JSON.")] = (
        None
    )
    credential: CredentialConfig | None = None
    expect: Annotated[
        list[Annotated[WholeNumber, Field(ge=100, le=599)]] | None,
        Field(min_length=1, max_length=50, description="Statuses; default: all from 200 to 299."),
    ] = None


class Http(TaskNode[HttpConfig]):
    """JSON is parsed, other text is text, and what is neither is Base64: `encoding` says which."""

    name = "http"
    title = "Call an HTTP service"
    config = HttpConfig
    example: ClassVar[Mapping[str, Any]] = {
        "id": "ticket",
        "type": "http",
        "with": {
            "method": "POST",
            "url": "https://crm.example.com/tickets",
            "body": {"subject": "{{ inputs.subject }}"},
            "credential": {"name": "crm"},
            "expect": [200, 201],
        },
        "retry": {"max": 3},
    }

    sample: ClassVar[Any] = {"status": 200, "headers": {}, "body": None, "encoding": "json"}

    def __init__(self, client: ToolClient, credentials: Credentials) -> None:
        self._client = client
        self._credentials = credentials

    async def mistakes(self, access: Access, settings: Mapping[str, Any]) -> Sequence[FieldError]:
        return await mistakes_in(self._credentials, access, settings)

    def target(self, config: HttpConfig) -> str | None:
        return origin_of(config.url)

    async def perform(self, ctx: StepContext, config: HttpConfig) -> Given:
        """Raises StepFault: `http_status`, `rate_limited`, `timeout`, `response_too_large`."""
        headers = dict(config.headers)
        content = content_of(config.body, headers)
        if config.method not in ("GET", "HEAD"):
            headers[SETTLED] = ctx.key
        request = Request(config.method, config.url, headers, config.query, content)
        answered = await exchange(
            self._client,
            self._credentials,
            ctx.access,
            request,
            config.credential,
            config.expect,
        )
        ctx.log(f"{config.method} {answered.host}: {answered.status}")
        return Given(answered.told())
