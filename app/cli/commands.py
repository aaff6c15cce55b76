"""The `luminous` command and its subcommands."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from app.cli.audit import audit
from app.cli.collecting import put_off_collecting
from app.cli.errors import plainly
from app.cli.keys import keys
from app.cli.misspelt import tell_misspelt
from app.cli.places import Data, engines_of, folder_from, reachable, require_servers, settings_with
from app.cli.users import users
from app.cli.vectors import vectors

luminous = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks print local variables, keys among them
)
api_keys = typer.Typer(help="API keys of the first workspace.", no_args_is_help=True)
luminous.add_typer(api_keys, name="api-key")
luminous.add_typer(audit, name="audit")
luminous.add_typer(keys, name="keys")
luminous.add_typer(users, name="users")
luminous.add_typer(vectors, name="vectors")

Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, show_default="8000")]


@luminous.callback()
def called(
    context: typer.Context,
    folder: Annotated[Path, typer.Option("--called-from", hidden=True)] = Path(),
) -> None:
    """Luminous: the AI orchestration backend."""
    context.obj = folder  # what `--data` is relative to: the scripts change the current folder


@luminous.command()
def up(context: typer.Context, host: Host = None, port: Port = None, data: Data = None) -> None:
    """Start everything: the engines, the migrations, the first owner, the service."""
    with plainly():
        settings = settings_with(host=host, port=port, data_dir=folder_from(context, data))
        tell_misspelt()
        from app.cli.serving import claim_port  # noqa: PLC0415 - a taken port is told at once

        listener = claim_port(settings.host, settings.port)
        with engines_of(settings) as (served, engines):
            put_off_collecting()
            from app.cli.service import migrate_and_serve  # noqa: PLC0415 - slow: the whole app

            migrate_and_serve(served, listener, engines)


@luminous.command()
def serve(host: Host = None, port: Port = None) -> None:
    """Run only the HTTP service, against DATABASE_URL and REDIS_URL."""
    with plainly():
        settings = settings_with(host=host, port=port)
        tell_misspelt()
        require_servers(settings)
        put_off_collecting()
        from app.cli.service import serve_only  # noqa: PLC0415 - slow: the whole app
        from app.cli.serving import claim_port  # noqa: PLC0415 - brings uvicorn

        with claim_port(settings.host, settings.port) as listener:
            serve_only(settings, listener)


@luminous.command()
def migrate() -> None:
    """Bring the schema of DATABASE_URL up to date."""
    with plainly():
        settings = settings_with()
        from app.cli.migrating import apply_migrations  # noqa: PLC0415 - brings Alembic

        apply_migrations(settings)
        typer.echo("The database is up to date.")


@api_keys.command("create")
def create_api_key(context: typer.Context, data: Data = None) -> None:
    """Print a new API key of the first workspace, whether or not the service is running."""
    with plainly():
        settings = settings_with(data_dir=folder_from(context, data))
        with reachable(settings) as served:
            put_off_collecting()
            from app.cli.service import new_api_key  # noqa: PLC0415 - slow: the whole app

            typer.echo(new_api_key(served))


@luminous.command("demo-provider")
def demo_provider(port: Annotated[int, typer.Option(min=1, max=65535)] = 8100) -> None:
    """Run the built-in demo provider as a server of its own, for tests of your own."""
    with plainly():
        from app.cli.serving import claim_port  # noqa: PLC0415 - brings uvicorn
        from app.inference.providers.demo import serve as serve_demo  # noqa: PLC0415

        claim_port("127.0.0.1", port).close()
        asyncio.run(serve_demo(port))
