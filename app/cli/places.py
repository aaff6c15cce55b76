"""What a command works on: the settings, the data folder, and servers that can be reached."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from app.cli.embedded import AlreadyRunning, EmbeddedEngines, running_addresses
from app.cli.errors import CannotServe
from app.core.config import Settings, load_settings


def _folder(given: str) -> Path:
    """What an unset variable gives is no folder: as a path it would be the current one."""
    if not given:
        raise typer.BadParameter("It is empty; name a folder.")
    return Path(given)


Data = Annotated[
    Path | None,
    typer.Option(
        help="Folder that holds everything kept.",
        show_default=".luminous",
        parser=_folder,
        metavar="<path>",
    ),
]


def folder_from(context: typer.Context, data: Path | None) -> Path | None:
    return context.obj / data.expanduser() if data else None


def settings_with(**given: object) -> Settings:
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    return settings.model_copy(update={"data_dir": settings.data_dir.expanduser().absolute()})


def require_servers(settings: Settings) -> None:
    if settings.database_url is None or settings.redis_url is None:
        raise CannotServe(
            "Set DATABASE_URL and REDIS_URL, or use `up`, which brings its own servers."
        )


@contextmanager
def engines_of(settings: Settings) -> Iterator[tuple[Settings, EmbeddedEngines]]:
    """Run the engines that no URL replaces, and give settings that lead to them."""
    with EmbeddedEngines(
        settings.data_dir,
        postgres=settings.database_url is None,
        valkey=settings.redis_url is None,
        notice=lambda sentence: typer.echo(sentence, err=True),
    ) as engines:
        yield _at(settings, engines.database_url, engines.redis_url), engines


@contextmanager
def reachable(settings: Settings) -> Iterator[Settings]:
    """Give settings that lead to the running instance's engines, or to some started for now."""
    try:
        with engines_of(settings) as (own, _):
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
