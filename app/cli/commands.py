"""The `luminous` command and its subcommands."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from app.cli.embedded import AlreadyRunning, EmbeddedEngines, running_addresses
from app.cli.errors import CannotServe, plainly
from app.core.config import Settings, load_settings

luminous = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks print local variables, keys among them
)
api_keys = typer.Typer(help="API keys of the first workspace.", no_args_is_help=True)
luminous.add_typer(api_keys, name="api-key")

Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, show_default="8000")]
Data = Annotated[
    Path | None,
    typer.Option(
        help="Folder that holds everything kept.",
        show_default=".luminous",
        readable=False,  # DataFolder says it better
    ),
]


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
        settings = _settings(host=host, port=port, data_dir=_from(context, data))
        from app.cli.serving import claim_port  # noqa: PLC0415 - a taken port is told at once

        listener = claim_port(settings.host, settings.port)
        with _engines(settings) as (served, engines):
            from app.cli.service import migrate_and_serve  # noqa: PLC0415 - slow: the whole app

            migrate_and_serve(served, listener, engines)


@luminous.command()
def serve(host: Host = None, port: Port = None) -> None:
    """Run only the HTTP service, against DATABASE_URL and REDIS_URL."""
    with plainly():
        settings = _settings(host=host, port=port)
        _require_servers(settings)
        from app.cli.service import serve_only  # noqa: PLC0415 - slow: the whole app
        from app.cli.serving import claim_port  # noqa: PLC0415 - brings uvicorn

        serve_only(settings, claim_port(settings.host, settings.port))


@luminous.command()
def migrate() -> None:
    """Bring the schema of DATABASE_URL up to date."""
    with plainly():
        settings = _settings()
        from app.cli.migrating import apply_migrations  # noqa: PLC0415 - brings Alembic

        apply_migrations(settings)
        typer.echo("The database is up to date.")


@api_keys.command("create")
def create_api_key(context: typer.Context, data: Data = None) -> None:
    """Print a new API key of the first workspace, whether or not the service is running."""
    with plainly():
        settings = _settings(data_dir=_from(context, data))
        with _reachable(settings) as served:
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


def _from(context: typer.Context, data: Path | None) -> Path | None:
    return context.obj / data.expanduser() if data else None


def _settings(**given: object) -> Settings:
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    return settings.model_copy(update={"data_dir": settings.data_dir.expanduser().absolute()})


def _require_servers(settings: Settings) -> None:
    if settings.database_url is None or settings.redis_url is None:
        raise CannotServe(
            "Set DATABASE_URL and REDIS_URL, or use `up`, which brings its own servers."
        )


@contextmanager
def _engines(settings: Settings) -> Iterator[tuple[Settings, EmbeddedEngines]]:
    """Run the engines that no URL replaces, and give settings that lead to them."""
    with EmbeddedEngines(
        settings.data_dir,
        postgres=settings.database_url is None,
        valkey=settings.redis_url is None,
        notice=lambda sentence: typer.echo(sentence, err=True),
    ) as engines:
        yield _at(settings, engines.database_url, engines.redis_url), engines


@contextmanager
def _reachable(settings: Settings) -> Iterator[Settings]:
    """Give settings that lead to the running instance's engines, or to some started for now."""
    try:
        with _engines(settings) as (own, _):
            yield own
            return
    except AlreadyRunning:
        addresses = running_addresses(settings.data_dir)
    yield _at(settings, addresses.get("database_url"), addresses.get("redis_url"))


def _at(settings: Settings, database_url: str | None, redis_url: str | None) -> Settings:
    found = {"database_url": database_url, "redis_url": redis_url}
    return settings.model_copy(
        update={name: SecretStr(url) for name, url in found.items() if url is not None}
    )
