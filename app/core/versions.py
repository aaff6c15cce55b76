"""Versions of rows: what an ETag names and an If-Match asks for.

Postgres counts a row's version up at every update (a trigger), whichever code makes it.
"""

from collections.abc import Sequence

from app.core.db import AsyncSession, Resource
from app.core.errors import AppError

IF_MATCH = "luminous_if_match"
MATCHED = "luminous_matched"


class PreconditionFailed(AppError):
    """Read the resource again and repeat the change with its current ETag."""

    status = 412
    code = "precondition_failed"
    title = "The resource has changed since"

    def __init__(self, etag: str | None) -> None:
        now = f"Its ETag is {etag} now" if etag else "It has no ETag"
        super().__init__(f"{now}; nothing was changed.")
        self.etag = etag


def etag_of(version: int) -> str:
    """The strong ETag of a version."""
    return f'"v{version}"'


def parse_etags(header: str) -> Sequence[str]:
    """The entity tags of an If-Match or If-None-Match header; `*` stands for any."""
    return tuple(part.strip() for part in header.split(",") if part.strip())


async def match(session: AsyncSession, row: Resource) -> None:
    """Raise PreconditionFailed unless the request's If-Match, if any, names the row's version.

    Call it before the first change to a row that a request addresses. With an If-Match the row
    is locked and read again, so of two writers with one ETag the second is refused.
    """
    expected = session.info.get(IF_MATCH)
    if expected is None or "*" in expected:
        return
    session.info[MATCHED] = True
    await session.refresh(row, with_for_update=True)
    if etag_of(row.version) not in expected:
        raise PreconditionFailed(etag_of(row.version))
