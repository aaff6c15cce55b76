"""The run that takes a file into a dictionary; begun again after a crash, it does nothing twice."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import IO, Any, Final, cast
from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import AsyncSession, on_commit
from app.core.errors import AppError
from app.core.kernel import Kernel
from app.inference.batches.patience import Store
from app.inference.calls.remembering import access_of, remembered
from app.knowledge.exchange import applying, crud, entries_crud
from app.knowledge.exchange.errors import FileMalformed, ImportNotFound
from app.knowledge.exchange.formats.table import Name
from app.knowledge.exchange.models import DictionaryImport
from app.knowledge.exchange.reading.parent import BOUNDS, Bounds, Found, rows
from app.knowledge.passages.indexer import JOB
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

KIND: Final = "dictionary_import"
ROWS_AT_ONCE: Final = 200
COUNTS: Final = ("total", "created", "updated", "unchanged", "removed", "refused")

_Step = Callable[[AsyncSession, Access, DictionaryImport], Awaitable[bool]]
# Each stage, what it does a little of, and the one after it.
_STAGES: Final[dict[str, tuple[_Step, str]]] = {
    "writing": (applying.write_some, "relating"),
    "relating": (applying.relate_some, "removing"),
    "removing": (applying.remove_some, "done"),
}


def told(access: Access, started: DictionaryImport) -> dict[str, Any]:
    """The input of the run of an import."""
    may = sorted(access.permissions & {Permission.DICTIONARY_APPROVE})
    return {"import_id": str(started.id), "permissions": may, **remembered(access)}


class Importing:
    """Takes files into dictionaries."""

    kind = KIND

    def __init__(self, kernel: Kernel, bounds: Bounds = BOUNDS) -> None:
        self._kernel = kernel
        self._store = Store(kernel.database)
        self._bounds = bounds

    async def run(self, ctx: RunContext) -> None:
        access = _access(ctx)
        started = await self._unit(ctx, _unchanged)
        if started.stage == "reading":
            ctx.emit("step.started", step="reading")
            await self._read(ctx, started)
            started = await self._unit(ctx, applying.finish_reading)
            counts = {"total": started.total, "refused": started.refused}
            ctx.emit("step.completed", step="reading", counts=counts)
        while started.stage in _STAGES:
            started = await self._carry_out(ctx, access, started.stage)

    async def _read(self, ctx: RunContext, started: DictionaryImport) -> None:
        """Write down every row of the file; raises FileMalformed."""
        async with (
            self._file(ctx) as file,
            aclosing(rows(file, cast("Name", started.format), self._bounds)) as found,
        ):
            try:
                await self._keep(ctx, found)
            except FileMalformed as error:
                if not started.continue_on_error:
                    raise
                ctx.emit("log", step="reading", malformed=error.detail)

    async def _keep(self, ctx: RunContext, found: AsyncIterator[Found]) -> None:
        """Keep the rows, also those before the place where the file is malformed."""
        batch: list[Found] = []
        try:
            async for row in found:
                batch.append(row)
                if len(batch) == ROWS_AT_ONCE:
                    await self._keep_batch(ctx, batch)
                    batch = []
        finally:
            if batch:
                await self._keep_batch(ctx, batch)

    async def _keep_batch(self, ctx: RunContext, batch: list[Found]) -> None:
        await self._unit(ctx, lambda session, kept: applying.keep_rows(session, kept, batch))
        ctx.emit("log", step="reading", read=batch[-1].position)

    async def _carry_out(self, ctx: RunContext, access: Access, stage: str) -> DictionaryImport:
        """Do a stage, a few rows a transaction, and go on to the next."""
        act, following = _STAGES[stage]
        ctx.emit("step.started", step=stage)

        async def some(session: AsyncSession, started: DictionaryImport) -> None:
            skipped = stage == "removing" and not applying.removes(started)
            if skipped or not await act(session, access, started):
                started.stage = following
            on_commit(session, lambda: self._kernel.nudge(JOB))

        while True:
            started = await self._unit(ctx, some)
            counts = {name: getattr(started, name) for name in COUNTS}
            if started.stage != stage:
                ctx.emit("step.completed", step=stage, counts=counts)
                return started
            ctx.emit("log", step=stage, **counts)

    @asynccontextmanager
    async def _file(self, ctx: RunContext) -> AsyncIterator[IO[bytes]]:
        """The file of an import, on this machine for as long as it is read."""
        import_id = UUID(ctx.input["import_id"])
        with tempfile.TemporaryFile() as file:
            position = 0
            while True:
                content = await self._store.unit(
                    ctx,
                    lambda session, at=position: crud.part(  # type: ignore[misc]  # its default
                        session, ctx.workspace_id, import_id, at
                    ),
                )
                if content is None:
                    break
                file.write(content)
                position += 1
            file.flush()
            yield file

    async def _unit(
        self, ctx: RunContext, act: Callable[[AsyncSession, DictionaryImport], Awaitable[Any]]
    ) -> DictionaryImport:
        """Do this to the import while the run is this process's; raises RunLost."""

        async def locked(session: AsyncSession) -> DictionaryImport:
            started = await _import(ctx, session)
            await act(session, started)
            await session.flush()
            return started

        return await self._store.unit(ctx, locked, held=True)

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """Say how it went; of what was broken off nothing half-done stays."""
        started = await crud.get(
            session, ctx.workspace_id, UUID(ctx.input["import_id"]), for_update=True
        )
        if started is None:
            return Settlement({"import_id": ctx.input["import_id"]})
        await entries_crud.delete_unrelated(session, started)
        nothing = started.stage == "reading"
        await crud.drop_rows(session, started, all_of_them=nothing)
        started.status = ending.status
        started.error = _problem(ending.error, started)
        started.ended_at = now()
        counts = {name: getattr(started, name) for name in COUNTS}
        note(session, Note("dictionary.imported", "dictionary", started.dictionary_id,
                           detail={"import_id": str(started.id), **counts}))  # fmt: skip
        on_commit(session, lambda: self._kernel.nudge(JOB))
        return Settlement({"import_id": str(started.id), **counts})


async def _import(ctx: RunContext, session: AsyncSession) -> DictionaryImport:
    import_id = UUID(ctx.input["import_id"])
    started = await crud.get(session, ctx.workspace_id, import_id, for_update=True)
    if started is None:
        raise ImportNotFound
    return started


async def _unchanged(_: AsyncSession, __: DictionaryImport) -> None:
    """Only to read it."""


def _access(ctx: RunContext) -> Access:
    may = frozenset(Permission(each) for each in ctx.input["permissions"])
    return replace(access_of(ctx), permissions=may)


def _problem(error: AppError | None, started: DictionaryImport) -> dict[str, Any] | None:
    return error.problem(instance=f"/v1/dictionary/imports/{started.id}") if error else None
