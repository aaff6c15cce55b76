"""Versions: made of every change, never changed, named by labels."""

import hashlib
from typing import Any, Final

import orjson

from app.core.db import AsyncSession
from app.core.paging import Cursors, PageQuery, Slice
from app.core.versions import match
from app.identity.versioned import rows
from app.identity.versioned.errors import LabelReserved
from app.identity.versioned.kind import Kind, N, V

DRAFT: Final = "draft"
MOST_VERSIONS: Final = 10_000
MOST_LABELS: Final = 50


def digest_of(document: Any) -> str:
    """SHA-256 of a document as sorted JSON, in hex."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def expect_room(kind: Kind[V, N], row: V) -> None:
    """Raises the kind's `too_many_versions`."""
    if row.current_version >= MOST_VERSIONS:
        raise kind.refusals.too_many_versions(
            f"{kind.noun.capitalize()} has at most {MOST_VERSIONS}; duplicate it."
        )


async def get(session: AsyncSession, kind: Kind[V, N], row: V, number: int) -> N:
    """Raises the kind's `version_not_found`."""
    found = await rows.version(session, kind, row.workspace_id, row.id, number)
    if found is None:
        raise kind.refusals.version_not_found(
            f"`{row.slug}` has the versions 1 to {row.current_version}."
        )
    return found


def number_of(kind: Kind[V, N], row: V, version: int | None, label: str | None) -> int:
    """The number that a choice means; the newest without one. Raises `label_not_found`."""
    if version is not None:
        return version
    if label is None or label == DRAFT:
        return row.current_version
    if label not in row.labels:
        raise kind.refusals.label_not_found(f"`{row.slug}` has no version `{label}`.")
    return int(row.labels[label])


async def page(
    session: AsyncSession, kind: Kind[V, N], row: V, query: PageQuery, cursors: Cursors
) -> Slice[N]:
    return await rows.versions(session, kind, row.workspace_id, row.id, query, cursors)


async def two(
    session: AsyncSession, kind: Kind[V, N], row: V, old: int | None, new: int | None
) -> tuple[N, N]:
    """Two versions to compare; left out, the newest and the one before the other.

    Raises the kind's `version_not_found`.
    """
    to = row.current_version if new is None else new
    since = max(1, to - 1) if old is None else old
    return await get(session, kind, row, since), await get(session, kind, row, to)


async def label(session: AsyncSession, kind: Kind[V, N], row: V, name: str, number: int) -> V:
    """Have a label name a version.

    Raises LabelReserved, and the kind's `version_not_found` and `too_many_labels`.
    """
    await match(session, row)
    if name == DRAFT:
        raise LabelReserved
    await get(session, kind, row, number)
    if name not in row.labels and len(row.labels) >= MOST_LABELS:
        raise kind.refusals.too_many_labels(f"{kind.noun.capitalize()} has at most {MOST_LABELS}.")
    row.labels = {**row.labels, name: number}
    await session.flush()
    await session.refresh(row)
    return row


async def unlabel(session: AsyncSession, kind: Kind[V, N], row: V, name: str) -> None:
    """Raises LabelReserved and the kind's `label_not_found`."""
    await match(session, row)
    if name == DRAFT:
        raise LabelReserved
    if name not in row.labels:
        raise kind.refusals.label_not_found
    row.labels = {key: number for key, number in row.labels.items() if key != name}
    await session.flush()
