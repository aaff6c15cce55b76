"""What `luminous users import` does: read the file, import it, report on standard output."""

import asyncio
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, TextIO

import orjson
import typer

from app.cli.errors import CannotServe
from app.cli.migrating import apply_migrations
from app.core.config import Settings
from app.identity.imports.errors import FileRefused
from app.identity.imports.rows import Format, read
from app.identity.imports.service import Told, Totals, import_people
from app.oversight.audit.writing import audited_kernel

SUFFIXES = {".csv": Format.CSV, ".jsonl": Format.JSON_LINES, ".ndjson": Format.JSON_LINES}
QUIET = ("created", "unchanged")


def import_file(
    settings: Settings, path: Path, *, form: str | None, report: Path | None, dry_run: bool
) -> bool:
    """Import a file and report; tells whether every row was taken."""
    kind = Format(form) if form else SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise CannotServe(f"{path.name} may be CSV or JSON Lines; say which with --format.")
    apply_migrations(settings)
    try:
        with ExitStack() as stack:
            file = stack.enter_context(path.open("rb"))
            out = stack.enter_context(report.open("w")) if report else sys.stdout
            totals = asyncio.run(_import(settings, file, kind, out, dry_run=dry_run))
    except FileRefused as refused:
        raise CannotServe(str(refused)) from None
    except OSError as error:
        raise CannotServe(f"{error.filename or path} cannot be used: {error.strerror}.") from None
    told = ", ".join(f"{count} {outcome}" for outcome, count in asdict(totals).items())
    typer.echo(f"{'Tried' if dry_run else 'Imported'} {path.name}: {told}.", err=True)
    return totals.refused == 0


async def _import(
    settings: Settings, file: BinaryIO, kind: Format, out: TextIO, *, dry_run: bool
) -> Totals:
    def tell(told: Told) -> None:
        if told.outcome not in QUIET:
            shown = {name: value for name, value in asdict(told).items() if value}
            out.write(orjson.dumps(shown).decode() + "\n")

    async with audited_kernel(settings) as kernel:
        return await import_people(kernel.database, read(file, kind), tell, dry_run=dry_run)
