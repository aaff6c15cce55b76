"""The connector `http_rows`: rows of a service that gives them page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Final, Literal

import orjson
from pydantic import Field
from yarl import URL

from app.agents.credentials.finding import Credentials
from app.agents.tools.web.client import ToolClient
from app.automation.language.marks import URL as URL_TEMPLATE
from app.automation.language.marks import marked
from app.automation.nodes.connectors.connector import (
    MOST_BYTES,
    MOST_ROWS,
    Connector,
    Operation,
    Rows,
)
from app.automation.nodes.exchanging import (
    Answered,
    CredentialConfig,
    Headers,
    Query,
    Request,
    Url,
    exchange,
    origin_of,
)
from app.automation.nodes.node_type import StepContext, StepFault
from app.automation.nodes.requesting import mistakes_in
from app.core.auth import Access
from app.core.errors import FieldError
from app.core.schema import Input, Text, WholeNumber

MOST_PAGES: Final = 50
Pointer = Annotated[
    Text, Field(max_length=200, pattern=r"^(/[^/]*)*$", description="A JSON Pointer (RFC 6901).")
]


class Paging(Input):
    """How the next page is asked for.

    `cursor`: the answer names it at `pointer`, and it is sent as `parameter`. `page` counts pages
    from `start`, `offset` counts rows. `link`: the header `Link` names the next URL.
    """

    kind: Literal["cursor", "page", "offset", "link"]
    parameter: Annotated[Text, Field(min_length=1, max_length=100)] = "cursor"
    pointer: Pointer = ""
    start: Annotated[WholeNumber, Field(ge=0, le=1)] = 1


class ReadOptions(Input):
    url: Annotated[
        Url,
        Field(
            description="Of the first page. Values that templates put into it are percent-encoded, "
            "as those of the node `http`.",
            json_schema_extra=marked(URL_TEMPLATE),
        ),
    ]
    headers: Headers = Field(default_factory=dict)
    query: Query = Field(default_factory=dict)
    credential: CredentialConfig | None = None
    rows: Annotated[Pointer, Field(description="Where the answer has its list; empty: it is one.")]
    next: Paging | None = None
    cursor: Annotated[
        Annotated[WholeNumber, Field(ge=0, le=10**12)]
        | Annotated[Text, Field(max_length=4000)]
        | None,
        Field(description="The `cursor` that the call before gave; null begins."),
    ] = None
    limit: Annotated[
        WholeNumber, Field(ge=1, le=MOST_ROWS, description="No page is begun past so many rows.")
    ] = 500


class Read(Operation[ReadOptions]):
    """Whole pages, until there are rows enough; `cursor` is the page to go on with."""

    name = "read"
    kind = "source"
    title = "Read rows over HTTP"
    options = ReadOptions
    example: ClassVar[Mapping[str, Any]] = {
        "url": "https://crm.example.com/contacts",
        "credential": {"name": "crm"},
        "rows": "/data",
        "next": {"kind": "cursor", "pointer": "/next_cursor", "parameter": "cursor"},
    }

    def __init__(self, client: ToolClient, credentials: Credentials) -> None:
        self._client = client
        self._credentials = credentials

    def target(self, options: Mapping[str, Any]) -> str | None:
        return origin_of(str(options.get("url")))

    async def mistakes(self, access: Access, options: Mapping[str, Any]) -> Sequence[FieldError]:
        return await mistakes_in(self._credentials, access, options)

    async def perform(self, ctx: StepContext, options: ReadOptions) -> dict[str, Any]:
        """Raises StepFault: `rows_missing`, and what the exchange raises."""
        cursor: int | str | None = options.cursor
        rows: list[Any] = []
        size = 0
        for _ in range(MOST_PAGES):
            answered = await exchange(
                self._client,
                self._credentials,
                ctx.access,
                _request(options, cursor),
                options.credential,
            )
            page = _rows_in(answered, options.rows)
            rows += page
            length = len(orjson.dumps(page))
            size += length
            following = _following(options, cursor, answered, len(page))
            if following is None or following == cursor:
                # A list that only grows goes on from here another day.
                return Rows(rows, _resting(options, cursor, len(page)), more=False).told()
            cursor = following
            if len(rows) >= options.limit or size + length > MOST_BYTES:
                break
        ctx.log(f"{len(rows)} rows; there are more.")
        return Rows(rows, cursor, more=True).told()


@dataclass(frozen=True, slots=True)
class _At:
    """A page's URL and what is added to its query."""

    url: str
    query: Mapping[str, Any]


def _request(options: ReadOptions, cursor: int | str | None) -> Request:
    at = _At(options.url, options.query)
    paging = options.next
    if paging is not None and paging.kind == "link" and isinstance(cursor, str):
        at = _At(_same_origin(options.url, cursor), {})
    elif paging is not None and cursor is not None:
        at = replace(at, query={**options.query, paging.parameter: str(cursor)})
    elif paging is not None and paging.kind in ("page", "offset"):
        first = paging.start if paging.kind == "page" else 0
        at = replace(at, query={**options.query, paging.parameter: str(first)})
    return Request("GET", at.url, dict(options.headers), at.query)


def _same_origin(first: str, following: str) -> str:
    """The next URL, which may not lead to another service; raises StepFault."""
    try:
        joined = URL(first).join(URL(following))
        same = joined.origin() == URL(first).origin()
    except ValueError:
        same = False
    if not same:
        raise StepFault("bad_url", "The next page is at another service.")
    return str(joined)


def _following(
    options: ReadOptions, cursor: int | str | None, answered: Answered, count: int
) -> int | str | None:
    """The cursor of the page behind an answer; None at the end."""
    paging = options.next
    if paging is None:
        return None
    match paging.kind:
        case "cursor":
            named = _at(answered.body, paging.pointer)
            return named if isinstance(named, int | str) and named != "" else None
        case "link":
            return _linked(answered.headers.get("link", ""))
        case "page":
            return _number(cursor, paging.start) + 1 if count else None
        case "offset":
            return _number(cursor, 0) + count if count else None


def _resting(options: ReadOptions, cursor: int | str | None, count: int) -> int | str | None:
    """Where a list that has come to its end is asked again; pages may have grown since."""
    paging = options.next
    if paging is not None and paging.kind == "offset":
        return _number(cursor, 0) + count
    return cursor


def _number(cursor: int | str | None, first: int) -> int:
    if cursor is None:
        return first
    try:
        return int(cursor)
    except ValueError:
        raise StepFault("cursor_invalid", "The cursor is not a number.") from None


def _linked(header: str) -> str | None:
    """What `Link` (RFC 8288) names as next."""
    for part in header.split(","):
        target, *parameters = part.split(";")
        relations = [each.strip().lower().replace('"', "") for each in parameters]
        if "rel=next" in relations:
            return target.strip().removeprefix("<").removesuffix(">")
    return None


def _rows_in(answered: Answered, pointer: str) -> list[Any]:
    found = _at(answered.body, pointer)
    if isinstance(found, list):
        return found
    where = f"at `{pointer}`" if pointer else "as its answer"
    raise StepFault("rows_missing", f"{answered.host} gave no list {where}.")


def _at(value: Any, pointer: str) -> Any:
    """What a pointer names; None where there is nothing."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def http_connector(client: ToolClient, credentials: Credentials) -> Connector:
    return Connector("http_rows", "Rows over HTTP", (Read(client, credentials),))
