"""What `luminous vectors migrate` does once there are servers to use."""

import asyncio

import typer
from alembic.migration import MigrationContext
from alembic.operations import Operations
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli.errors import CannotServe
from app.cli.migrating import apply_migrations
from app.core.audit import Note, note
from app.core.config import Settings
from app.core.db import SYSTEM, sync_engine
from app.core.kernel import Kernel, open_kernel
from app.core.vectors import VectorsAway
from app.knowledge.passages.moving import Moved, Mover, indexed
from app.knowledge.vectors import table
from app.knowledge.vectors.open import open_store
from app.oversight.audit.writing import keep_trail


def move_vectors(settings: Settings, source: str, target: str, *, remove: bool) -> None:
    """Move them, and tell; raises CannotServe where it cannot be done, or was not done whole."""
    if source == target:
        raise CannotServe(f"The vectors are in {target} already; name another store with --to.")
    apply_migrations(settings)
    if "pgvector" in (source, target):
        _make_table(settings)
    try:
        moved = asyncio.run(_move(settings, source, target, remove=remove))
    except VectorsAway as error:
        raise CannotServe(
            f"Qdrant does not answer ({error}); run this again when it does."
        ) from None
    for each in moved:
        typer.echo(f"{each.space}: {each.copied} vectors; {each.orphans} had lost their passage.")
    if missing := sum(each.missing for each in moved):
        raise CannotServe(f"{missing} vectors did not arrive in {target}; run this again.")
    if settings.vectors != target:
        typer.echo(f"Set LUMINOUS_VECTORS={target} and restart the service.")


def _make_table(settings: Settings) -> None:
    """The migrations left pgvector's table out where Postgres had no such extension then."""
    if settings.database_url is None:
        return
    engine = sync_engine(settings.database_url.get_secret_value())
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        table.create()
    engine.dispose()


async def _move(settings: Settings, source: str, target: str, *, remove: bool) -> list[Moved]:
    async with open_kernel(settings) as kernel:
        keep_trail(kernel.database)
        origin, other = await open_store(kernel, source), await open_store(kernel, target)
        with _progress() as progress:
            expected = await indexed(kernel.database)
            tasks = {
                space: progress.add_task(space, total=expected.get(space))
                for space in await origin.spaces()
            }

            def told(space: str, done: int) -> None:
                progress.update(tasks[space], completed=done)

            mover = Mover(kernel.database, origin, other, told)
            moved = [await mover.move(space) for space in tasks]
        if remove:
            for each in moved:
                if not each.missing:
                    await mover.clear(each.space)
        await _note(kernel, source, target, moved)
    return moved


async def _note(kernel: Kernel, source: str, target: str, moved: list[Moved]) -> None:
    detail = {"from": source, "to": target, "vectors": sum(each.copied for each in moved)}
    async with kernel.database.unit(SYSTEM) as session:
        note(session, Note("vectors.migrated", "passage", detail=detail))


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
