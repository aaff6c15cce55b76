"""`luminous users`: accounts, from the operator's side."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.errors import plainly
from app.cli.places import Data, folder_from, reachable, settings_with

users = typer.Typer(help="Accounts.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(help="The account's e-mail address.")]


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


@users.command()
def deactivate(context: typer.Context, email: Email, data: Data = None) -> None:
    """Close an account: its sessions end, its API keys stop, and only `activate` opens it again."""
    _set_standing(context, email, data, active=False)
    typer.echo(f"{email} is deactivated.")


@users.command()
def activate(context: typer.Context, email: Email, data: Data = None) -> None:
    """Open an account again that was deactivated; its owner signs in anew."""
    _set_standing(context, email, data, active=True)
    typer.echo(f"{email} is active, unless its owner has deleted it.")


def _set_standing(context: typer.Context, email: str, data: Path | None, *, active: bool) -> None:
    with plainly():
        from app.cli.standing import set_standing  # noqa: PLC0415 - slow: the whole app

        settings = settings_with(data_dir=folder_from(context, data))
        with reachable(settings) as served:
            set_standing(served, email, active=active)
