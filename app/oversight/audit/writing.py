"""Writing the trail: the last statement of every transaction that did something."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from sqlalchemy import Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import REQUEST, current_request, notes_of
from app.core.config import Settings
from app.core.db import Database
from app.core.kernel import Kernel, open_kernel
from app.core.statements import Statement, flush
from app.core.storing import later
from app.oversight.audit.entries import FORGOTTEN, entries_of
from app.oversight.audit.tracking import changes_of, track_changes

_APPEND = Statement(
    text("select luminous_append_audit(:rows)").bindparams(bindparam("rows", type_=Text()))
)


def keep_trail(database: Database) -> None:
    """Have every unit of work of this database audited.

    Nothing may be added to `before_commit` after it: it locks the heads of its chains, in one
    order, and they are free again when the transaction ends.
    """
    track_changes()
    database.before_commit.append(write_trail)


@asynccontextmanager
async def audited_kernel(settings: Settings) -> AsyncIterator[Kernel]:
    """The kernel of a command, which may stand beside a running service; it is audited, too."""
    async with open_kernel(settings, vectors=False) as kernel:
        keep_trail(kernel.database)
        yield kernel


async def write_trail(session: AsyncSession) -> None:
    """Append what was noted and what has changed to the chains; raises what Postgres raises."""
    await flush(session)
    notes, changes = notes_of(session), changes_of(session)
    if not notes and not changes:
        return
    facts = session.info.get(REQUEST) or current_request.get()
    rows = entries_of(facts, notes, changes, session.info.get(FORGOTTEN, frozenset()))
    await later(session, _APPEND, {"rows": orjson.dumps(rows).decode()})
