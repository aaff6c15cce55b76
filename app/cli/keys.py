"""`luminous keys`: the keys that seal what is stored, and those that sign access tokens."""

from typing import Annotated

import typer

from app.cli.errors import plainly
from app.cli.places import Data, folder_from, reachable, settings_with

keys = typer.Typer(help="The keys that seal secrets and sign tokens.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(help="The key's id, as `luminous keys status` shows it.")]


@keys.command()
def status(context: typer.Context, data: Data = None) -> None:
    """Show the keys, and how many stored values each one seals."""
    with plainly():
        settings = settings_with(data_dir=folder_from(context, data))
        from app.cli import key_work  # noqa: PLC0415 - slow: the whole app

        with reachable(settings) as served:
            key_work.status(served)


@keys.command()
def rotate(
    context: typer.Context,
    data: Data = None,
    signing: Annotated[
        bool, typer.Option("--signing", help="The key of access tokens, not the master key.")
    ] = False,
) -> None:
    """Seal every stored value with a new master key; goes on where it was interrupted."""
    with plainly():
        settings = settings_with(data_dir=folder_from(context, data))
        from app.cli import key_work  # noqa: PLC0415 - slow: the whole app

        with reachable(settings) as served:
            (key_work.rotate_signing if signing else key_work.rotate)(served)


@keys.command()
def retire(context: typer.Context, key_id: KeyId, data: Data = None) -> None:
    """Forget a former master key; refused while a value needs it."""
    with plainly():
        settings = settings_with(data_dir=folder_from(context, data))
        from app.cli import key_work  # noqa: PLC0415 - slow: the whole app

        with reachable(settings) as served:
            key_work.retire(served, key_id)


@keys.command()
def new() -> None:
    """Print a new master key; wrapped, where a KMS is set."""
    with plainly():
        from app.cli import key_work  # noqa: PLC0415 - slow: the whole app

        typer.echo(key_work.new_key(settings_with()))


@keys.command()
def restart(
    context: typer.Context,
    data: Data = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Go on although the master key is lost: what it sealed must be entered again."""
    with plainly():
        settings = settings_with(data_dir=folder_from(context, data))
        if not yes:
            typer.confirm("Everyone is signed out, and sealed values stay lost. Go on?", abort=True)
        from app.cli import key_work  # noqa: PLC0415 - slow: the whole app

        with reachable(settings) as served:
            key_work.restart(served)
