"""Keyset pages with signed cursors.

A cursor is opaque: where the last page ended, sealed with the tenant, the filters and the order
it belongs to. A changed one, or one taken from another list, is a 400.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import orjson
from pydantic import Field
from sqlalchemy import ColumnElement, Select, Uuid, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.core.errors import BadRequest, FieldError
from app.core.schema import Input, Output

T = TypeVar("T")

_SIGNATURE_BYTES = 16


class CursorInvalid(BadRequest):
    code = "cursor_invalid"
    title = "The cursor does not belong to this list"

    def __init__(self, pointer: str = "/query/cursor") -> None:
        super().__init__(
            "Start again without a cursor: this one was changed, or was made for another "
            "workspace, filter or order.",
            errors=(FieldError(pointer, "cursor_invalid", "not a cursor of this list"),),
        )


class PageQuery(Input):
    """What every list takes."""

    limit: Annotated[int, Field(ge=1, le=200, description="Items a page.")] = 50
    cursor: Annotated[
        str | None, Field(max_length=1000, description="`next_cursor` of the page before.")
    ] = None
    order: Annotated[
        Literal["asc", "desc"] | None,
        Field(description="The other way round, or the list's own order, which is the default."),
    ] = None
    include: Annotated[
        Literal["total"] | None, Field(description="`total`: count the whole list as well.")
    ] = None

    def descends(self, *, by_default: bool) -> bool:
        """Whether the list is wanted from its largest or newest end."""
        return by_default if self.order is None else self.order == "desc"


class Page(Output, Generic[T]):
    """One page of a list."""

    data: list[T]
    has_more: bool
    next_cursor: str | None
    total: Annotated[
        int | None, Field(description="Items of the whole list, where `include=total` asks for it.")
    ]


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """The rows of one page and where the next one starts."""

    data: Sequence[T]
    has_more: bool
    next_cursor: str | None
    total: int | None = None

    def map(self, change: Callable[[T], Any]) -> "Slice[Any]":
        return replace(self, data=[change(row) for row in self.data])


class Cursors:
    """Signs and checks cursors."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def encode(self, position: list[Any], binding: str) -> str:
        body = orjson.dumps(position, default=str)  # asyncpg has a UUID class of its own
        return _base64(self._sign(body, binding) + body)

    def decode(self, cursor: str, binding: str) -> list[Any]:
        """The position a cursor holds; raises CursorInvalid."""
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except ValueError:
            raise CursorInvalid from None
        # The decoder passes over what is no base64, and over spare bits.
        if _base64(raw) != cursor:
            raise CursorInvalid
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(body, binding)):
            raise CursorInvalid
        position: list[Any] = orjson.loads(body)
        return position

    def _sign(self, body: bytes, binding: str) -> bytes:
        digest = hashlib.sha256(binding.encode()).digest()
        return hmac.new(self._key, digest + body, "sha256").digest()[:_SIGNATURE_BYTES]


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def binding_of(name: str, query: PageQuery, workspace_id: UUID, within: str = "") -> str:
    """What a cursor is bound to: the list and its order (`name`), the tenant and the filters."""
    filters = query.model_dump(mode="json", exclude={"limit", "cursor", "order", "include"})
    bound_to = [str(workspace_id), within, name, filters]
    return orjson.dumps(bound_to, option=orjson.OPT_SORT_KEYS).decode()


@dataclass(frozen=True, slots=True)
class Keyset:
    """How a list is walked: by `column` and then by `id`, newest or smallest first.

    A query that names an order has it its own way.
    """

    column: InstrumentedAttribute[Any]
    id: InstrumentedAttribute[UUID]
    descending: bool = True


async def fetch_page(
    session: AsyncSession,
    statement: Select[Any],
    keyset: Keyset,
    query: PageQuery,
    *,
    cursors: Cursors,
    workspace_id: UUID,
    within: str = "",
) -> Slice[Any]:
    """One page of `statement`, which must already be filtered to the workspace.

    `within` names what else the list is bound to (a conversation, say), so that a cursor of one
    does not open another.
    """
    keyset = replace(keyset, descending=query.descends(by_default=keyset.descending))
    name = f"{keyset.column.class_.__name__}.{keyset.column.key}.{keyset.descending}"
    binding = binding_of(name, query, workspace_id, within)
    total = await _count(session, statement, keyset) if query.include == "total" else None
    if query.cursor:
        value, row_id = cursors.decode(query.cursor, binding)
        statement = statement.where(_after(keyset, value, row_id))
    columns = (keyset.column, keyset.id)
    ordered = [c.desc() if keyset.descending else c.asc() for c in columns]
    rows: Sequence[Any] = (
        await session.scalars(statement.order_by(*ordered).limit(query.limit + 1))
    ).all()
    page, has_more = rows[: query.limit], len(rows) > query.limit
    cursor = None
    if has_more:
        last = page[-1]
        cursor = cursors.encode(
            [getattr(last, keyset.column.key), getattr(last, keyset.id.key)], binding
        )
    return Slice(page, has_more, cursor, total)


def page_of(
    items: Iterable[T],
    key: Callable[[T], str],
    query: PageQuery,
    *,
    name: str,
    cursors: Cursors,
    workspace_id: UUID,
) -> Slice[T]:
    """One page of what is held in memory, smallest first by a key that each has alone."""
    descends = query.descends(by_default=False)
    found = sorted(items, key=key, reverse=descends)
    total = len(found) if query.include == "total" else None
    binding = binding_of(f"{name}.{descends}", query, workspace_id)
    if query.cursor:
        (last,) = cursors.decode(query.cursor, binding)
        found = [each for each in found if (key(each) < last if descends else key(each) > last)]
    shown, more = found[: query.limit], len(found) > query.limit
    following = cursors.encode([key(shown[-1])], binding) if more else None
    return Slice(shown, more, following, total)


async def _count(session: AsyncSession, statement: Select[Any], keyset: Keyset) -> int:
    ids = statement.with_only_columns(keyset.id, maintain_column_froms=True).order_by(None)
    return await session.scalar(select(func.count()).select_from(ids.subquery())) or 0


def _after(keyset: Keyset, value: Any, row_id: str) -> ColumnElement[bool]:
    key: Any = value
    if keyset.column.type.python_type is datetime:
        key = datetime.fromisoformat(value)
    position = tuple_(literal(key, keyset.column.type), literal(UUID(row_id), Uuid()))
    row = tuple_(keyset.column, keyset.id)
    return row < position if keyset.descending else row > position
