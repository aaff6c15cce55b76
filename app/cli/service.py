"""What the commands do once there are servers to use: migrate, make the first owner, serve."""

import multiprocessing
import socket
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TypeVar

import typer

from app.cli.banner import banner, local_address
from app.cli.database import look_at_schema
from app.cli.embedded import EmbeddedEngines
from app.cli.looking import look_at_redis, look_at_vectors
from app.cli.serving import run, server_config
from app.core.config import Settings
from app.main import FirstStart, announce_stop, create_app, first_start, issue_api_key

T = TypeVar("T")


def migrate_and_serve(
    settings: Settings, listener: socket.socket, engines: EmbeddedEngines
) -> None:
    """Everything of `up` after the engines; returns when the service has ended."""
    look_at_redis(settings)
    first = _apart(_prepared, settings)
    look_at_vectors(settings)
    address = local_address(settings.host, listener.getsockname()[1])

    def ready() -> None:
        typer.echo(_banner(address, settings, first))

    def ailing() -> str:
        if not engines.dead:
            return ""
        logs = settings.data_dir / "logs"
        return (
            f"The embedded {' and '.join(engines.dead)} ended; its log is in {logs}; start again."
        )

    app = create_app(settings)
    run(server_config(app, settings), listener, ready, lambda: announce_stop(app), ailing)


def _apart(work: Callable[[Settings], T], settings: Settings) -> T:
    """What this gives, done in a process of its own: a server would keep its memory for good."""
    forking = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=forking) as child:
        return child.submit(work, settings).result()


def _prepared(settings: Settings) -> FirstStart:
    from app.cli.migrating import apply_migrations  # noqa: PLC0415 - no server needs Alembic

    apply_migrations(settings)
    return first_start(settings)


def _banner(address: str, settings: Settings, first: FirstStart) -> str:
    return banner(address, str(settings.data_dir), first.owner_email, first.api_key, first.password)


def serve_only(settings: Settings, listener: socket.socket) -> None:
    if settings.database_url is not None:
        look_at_schema(settings.database_url.get_secret_value())
    look_at_redis(settings)
    look_at_vectors(settings)
    address = local_address(settings.host, listener.getsockname()[1])
    app = create_app(settings)
    ready = partial(typer.echo, f"Luminous serves on {address}")
    run(server_config(app, settings), listener, ready, lambda: announce_stop(app))


def new_api_key(settings: Settings) -> str:
    first = _prepared(settings)
    if first.api_key:
        typer.echo(f"Made the first owner {first.owner_email}, password {first.password}", err=True)
        return first.api_key
    return issue_api_key(settings)
