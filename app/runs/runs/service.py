"""What a caller may do with runs."""

from collections.abc import Sequence
from typing import Any, Final, Protocol
from uuid import UUID

from app.core.auth import Access, Permission
from app.core.causes import runs_behind
from app.core.clock import now
from app.core.db import AsyncSession, Row
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.storing import new_row
from app.runs.events.errors import RunLost
from app.runs.runs import crud
from app.runs.runs.errors import RunNotFound
from app.runs.runs.models import Run
from app.runs.runs.schemas import RunQuery

BEHIND: Final = "runs_behind"


class Owner(Protocol):
    """Whose run it is: an Access, or the run that makes another."""

    @property
    def workspace_id(self) -> UUID: ...
    @property
    def user_id(self) -> UUID: ...


async def create(
    session: AsyncSession,
    owner: Owner,
    *,
    executor_id: str | None,
    kind: str,
    input: dict[str, Any],  # noqa: A002 - the column's name
    subject_id: UUID | None = None,
    run_id: UUID | None = None,
    beside: Sequence[Row] = (),
) -> Run:
    """A run that this process will launch as soon as the transaction has committed.

    Without an `executor_id` it waits for whoever takes it up. What it tells of counts as told by
    the run that begins it. `beside` are rows that are stored together with it.
    """
    moment, begun = now(), executor_id is not None
    behind = max(runs_behind(), input.get(BEHIND, 0))
    run = new_row(
        Run,
        id=run_id or new_id(),
        workspace_id=owner.workspace_id,
        user_id=owner.user_id,
        kind=kind,
        status="running" if begun else "queued",
        subject_id=subject_id,
        input={**input, BEHIND: behind} if behind else input,
        attempt=1 if begun else 0,
        executor_id=executor_id,
        last_seq=0,
        input_tokens=0,
        output_tokens=0,
        created_at=moment,
        updated_at=moment,
        started_at=moment if begun else None,
    )
    return await crud.add(session, run, *beside)


async def get(session: AsyncSession, access: Access, run_id: UUID) -> Run:
    """One of the caller's own runs; raises RunNotFound."""
    run = await crud.get(session, access.workspace_id, run_id)
    if run is None or run.user_id != access.user_id:
        raise RunNotFound("You have no run with this id.")
    return run


async def resumed(
    session: AsyncSession,
    access: Access,
    run_id: UUID,
    kind: str,
    *,
    subject_id: UUID | None = None,
    started_id: UUID | None = None,
) -> Run:
    """The run that a repeated POST shows the rest of; raises RunNotFound.

    Only one that the same address begins: of its kind, about its subject, and the one that its
    Idempotency-Key has started, where it has. A key that may not read runs follows only what was
    begun with it.
    """
    run = await get(session, access, run_id)
    is_its = run.kind == kind and subject_id in (None, run.subject_id)
    if not is_its or started_id not in (None, run_id) or not _may_follow(access, run):
        raise RunNotFound("This request has begun no run with this id.")
    return run


def _may_follow(access: Access, run: Run) -> bool:
    if access.api_key_id is None or Permission.RUNS_READ in access.permissions:
        return True
    kept = (run.input.get("credential_id"), run.input.get("api_key_id"))
    return str(access.api_key_id) in kept


async def find(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> Run | None:
    """A run of a workspace, whoever started it."""
    return await crud.get(session, workspace_id, run_id)


async def page(
    session: AsyncSession, access: Access, query: RunQuery, cursors: Cursors
) -> Slice[Run]:
    return await crud.page(session, access.workspace_id, access.user_id, query, cursors)


async def request_cancel(session: AsyncSession, access: Access, run_id: UUID) -> Run:
    """Note that the run is to be cancelled; its owner must then be told. Raises RunNotFound."""
    run = await get(session, access, run_id)
    await crud.request_cancel(session, crud.one(access.workspace_id, run_id))
    await session.refresh(run)
    return run


async def request_cancel_of(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> None:
    """The same for who may cancel what the run works on, whoever started it."""
    await crud.request_cancel(session, crud.one(workspace_id, run_id))


async def request_cancel_idle(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> None:
    """The same without waiting for who has the run in hand: most often, its end.

    For a transaction that holds what the run works on, for which its end waits in turn. The run
    has to notice by itself, too, that what it works on is another's.
    """
    await crud.request_cancel(session, crud.idle(workspace_id, run_id))


async def wake(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> None:
    """Have a paused run go on, told to nobody: the caller takes it up itself."""
    await crud.wake(session, workspace_id, run_id)


async def keep(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, attempt: int, more: dict[str, Any]
) -> None:
    """Add to the input that a next attempt would begin with; raises RunLost as `expect_held`."""
    run = await crud.lock_mine(session, workspace_id, run_id, attempt)
    if run is None:
        raise RunLost
    await crud.finish(session, run, {"input": {**run.input, **more}})


async def expect_held(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, attempt: int
) -> None:
    """Raise RunLost where this attempt is not the run's last one any more.

    A process that stood still for longer than its lease has lost its runs, and does not know it:
    work asks before each thing that must not be done twice.
    """
    if not await crud.is_held(session, workspace_id, run_id, attempt):
        raise RunLost
