"""`luminous audit`: proof that the audit trail is what was written."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.errors import plainly
from app.cli.places import Data, folder_from, reachable, settings_with

audit = typer.Typer(help="The audit trail.", no_args_is_help=True)


@audit.callback()
def called() -> None:
    """Make `verify` a command of its own, although it is the only one."""


@audit.command("verify")
def verify(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="A JSON Lines export; without it, the database.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="A public key that exports are trusted by, in base64.")
    ] = None,
    data: Data = None,
) -> None:
    """Find what was changed, removed or put out of order; exits with 1 where something was."""
    with plainly():
        from app.cli.auditing import verify_database, verify_file  # noqa: PLC0415 - slow: the app

        if file is not None:
            whole = verify_file(context.obj / file.expanduser(), key or ())
        else:
            settings = settings_with(data_dir=folder_from(context, data))
            with reachable(settings) as served:
                whole = verify_database(served)
    if not whole:
        raise typer.Exit(1)
