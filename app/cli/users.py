"""`luminous users`: accounts, from the operator's side."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.errors import plainly
from app.cli.places import Data, folder_from, reachable, settings_with

users = typer.Typer(help="Accounts.", no_args_is_help=True)


@users.callback()
def called() -> None:
    """Make each command one of its own, however few there are."""


@users.command("import")
def import_users(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A CSV or JSON Lines file, in UTF-8.")],
    form: Annotated[
        Literal["csv", "jsonl"] | None,
        typer.Option("--format", help="What the file is, where its name does not say it."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Where the report goes, as JSON Lines.", show_default="standard output"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would happen, and change nothing.")
    ] = False,
    data: Data = None,
) -> None:
    """Take over accounts with their bcrypt, Argon2 or scrypt hashes from another system.

    The columns are email, name, locale, password_hash and verified; only the first is needed. The
    same file can be imported again: what is here already stays. Each row that is refused or
    updates someone has a line in the report. Exits with 1 where a row was refused.
    """
    with plainly():
        from app.cli.importing import import_file  # noqa: PLC0415 - slow: the whole app

        settings = settings_with(data_dir=folder_from(context, data))
        path = context.obj / file.expanduser()
        told = context.obj / report.expanduser() if report else None
        with reachable(settings) as served:
            whole = import_file(served, path, form=form, report=told, dry_run=dry_run)
    if not whole:
        raise typer.Exit(1)
