"""Feeding a verifier: the lines of a file, or those of a chain as Postgres has it now."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from uuid import UUID

import orjson

from app.core.crypto import Vault
from app.core.db import SYSTEM, AsyncSession, Database
from app.oversight.audit import crud, keys
from app.oversight.audit.lines import checkpoint_line, header_line, row_line
from app.oversight.audit.verify import Finding, Verifier

PORTION = 1000
NOTHING = bytes(32)


def verify_export(verifier: Verifier, lines: Iterable[bytes]) -> Iterator[Finding]:
    """Check the lines of a JSON Lines export."""
    for number, line in enumerate(lines, 1):
        try:
            told = orjson.loads(line)
        except orjson.JSONDecodeError:
            yield Finding(f"line {number}", "is not JSON; is this a JSON Lines export?")
            continue
        yield from verifier.take(told)
    yield from verifier.end_of_export()


async def whole_trail(database: Database) -> Sequence[UUID]:
    """Every chain there is."""
    async with database.unit(SYSTEM) as session:
        return await crud.known_chains(session)


async def verify_chain(
    database: Database, vault: Vault, workspace_id: UUID, verifier: Verifier
) -> AsyncIterator[Finding]:
    """Check one chain in Postgres, with the keys that our master key vouches for.

    Its checkpoints are locked meanwhile, so nothing is pruned from under it; it may grow.
    """
    async with database.unit(SYSTEM) as session:
        await crud.lock_checkpoints(session, workspace_id)
        chain = await crud.chain(session, workspace_id)
        count, head = (chain.count, chain.head) if chain else (0, NOTHING)
        for finding in verifier.take(header_line(workspace_id, await keys.trusted(session, vault))):
            yield finding
        async for finding in _checkpoints(session, workspace_id, verifier):
            yield finding
        async for finding in _rows(session, workspace_id, verifier, count):
            yield finding
    for finding in verifier.end_of_chain(count, head):
        yield finding


async def _checkpoints(
    session: AsyncSession, workspace_id: UUID, verifier: Verifier
) -> AsyncIterator[Finding]:
    after = 0
    while found := await crud.checkpoints(
        session, workspace_id, after=after, up_to=2**62, most=PORTION
    ):
        for row in found:
            for finding in verifier.take(checkpoint_line(row)):
                yield finding
        after = found[-1].number


async def _rows(
    session: AsyncSession, workspace_id: UUID, verifier: Verifier, count: int
) -> AsyncIterator[Finding]:
    after = 0
    while found := await crud.portion(
        session, workspace_id, after=after, up_to=count, most=PORTION
    ):
        for row in found:
            for finding in verifier.take(row_line(row)):
                yield finding
        after = found[-1].sequence
