"""What `luminous keys` does once there are servers to use."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from app.cli.errors import CannotServe
from app.cli.migrating import apply_migrations
from app.core.audit import Note, note
from app.core.config import Settings
from app.core.crypto import FileKeys, InvalidMasterKey, MasterKey, Vault, open_vault
from app.core.crypto.keys import LOOK_SECONDS, write_key
from app.core.crypto.resealing import Outcome, census, reseal, sealed_columns
from app.core.crypto.root import restart_root
from app.core.crypto.sources import open_wrapper
from app.core.crypto.vault import WITHOUT_ID, header_of
from app.core.db import SYSTEM, Database
from app.core.kernel import Kernel
from app.identity.sessions.keys import SigningKeys
from app.oversight.audit.writing import audited_kernel, keep_trail
from app.tables import Base

# A request that sealed a value with the former key has ended by then, whatever it waited for.
SETTLED_SECONDS = 120.0

T = TypeVar("T")

FROM_ENVIRONMENT = (
    "The master key is set by the environment: give `luminous keys new` as LUMINOUS_MASTER_KEY and "
    "the present key in LUMINOUS_RETIRED_MASTER_KEYS to every process, then run this again."
)


def status(settings: Settings) -> None:
    _with_kernel(settings, _status)


def rotate(settings: Settings) -> None:
    outcome = _with_kernel(settings, _rotate)
    typer.echo(f"Sealed {outcome.resealed} values with the active key.")
    for name, count in outcome.unreadable.items():
        typer.echo(f"{name}: {count} values are sealed by a key that is not here.", err=True)
    for name, count in outcome.locked.items():
        typer.echo(f"{name}: {count} values stayed in use; run this again.", err=True)
    if not outcome.complete:
        raise CannotServe("The rotation is not complete; the lines above say why.")


def rotate_signing(settings: Settings) -> None:
    async def act(kernel: Kernel) -> None:
        await SigningKeys(kernel.database, kernel.vault).rotate()

    _with_kernel(settings, act)
    typer.echo("A new key signs access tokens from now on; those signed before stay valid.")


def retire(settings: Settings, key_id: str) -> None:
    async def act(kernel: Kernel) -> None:
        await _retire(kernel, key_id)

    _with_kernel(settings, act)


def new_key(settings: Settings) -> str:
    """A new master key, as an entry of a key file or a variable."""
    try:
        return write_key(MasterKey.made(), open_wrapper(settings))
    except InvalidMasterKey as error:
        raise CannotServe(f"No key can be made: {error}.") from None


def restart(settings: Settings) -> None:
    apply_migrations(settings)

    async def act() -> None:
        if settings.database_url is None:
            raise CannotServe("Set DATABASE_URL.")
        try:
            vault = open_vault(settings)
        except InvalidMasterKey as error:
            raise CannotServe(f"The master key cannot be used: {error}.") from None
        database = Database(settings.database_url.get_secret_value(), pool_size=1)
        keep_trail(database)
        try:
            await restart_root(database, vault)
        finally:
            await database.close()

    asyncio.run(act())
    typer.echo("Started anew; restart the service, and enter the stored credentials again.")


async def _status(kernel: Kernel) -> None:
    keys = kernel.vault.keys
    counted = await census(kernel.database, sealed_columns(Base.metadata))
    typer.echo(f"Master keys, from {keys.source.place}:")
    for key in keys.all:
        role = "active" if key is keys.all[0] else "retired"
        typer.echo(f"  {key.id.hex()}  {role:8} {_values(counted.pop(header_of(key), 0))}")
    if before := counted.pop(WITHOUT_ID, 0):
        typer.echo(f"  without a key id  {_values(before)}: `luminous keys rotate` gives them one")
    for header, count in counted.items():
        typer.echo(f"  {header[1:].hex()}  missing  {_values(count)} that no key here opens")


async def _rotate(kernel: Kernel) -> Outcome:
    ring, columns = kernel.vault.keys, sealed_columns(Base.metadata)
    counted = await census(kernel.database, columns)
    if _is_unfinished(kernel.vault, counted):
        typer.echo("Going on with the rotation that was begun.")
    elif isinstance(ring.source, FileKeys):
        ring.source.add(MasterKey.made())
        ring.refresh()
        await _note(kernel, "master_key.created", ring.active.id.hex())
        await asyncio.sleep(LOOK_SECONDS)  # until every process has seen it
        typer.echo(f"Made the master key {ring.active.id.hex()}.")
    elif len(ring.all) == 1:
        raise CannotServe(FROM_ENVIRONMENT)
    return await reseal(kernel.database, kernel.vault, columns, told=_Progress().told)


def _is_unfinished(vault: Vault, counted: Counter[bytes]) -> bool:
    """Whether there is a former key, and a value that it may have sealed."""
    former = vault.keys.all[1:]
    return bool(former) and any(counted[h] for h in (WITHOUT_ID, *map(header_of, former)))


async def _retire(kernel: Kernel, key_id: str) -> None:
    ring = kernel.vault.keys
    key = next((key for key in ring.all if key.id.hex() == key_id), None)
    if key is None:
        raise CannotServe(f"There is no master key {key_id}; see `luminous keys status`.")
    if key is ring.all[0]:
        raise CannotServe("That key is the active one; make another with `luminous keys rotate`.")
    source = ring.source
    if isinstance(source, FileKeys) and source.changed_seconds_ago() < SETTLED_SECONDS:
        raise CannotServe(
            f"{source.place} has just changed; values may be on their way that the former key "
            f"sealed. Try again in {SETTLED_SECONDS - source.changed_seconds_ago():.0f} seconds."
        )
    counted = await census(kernel.database, sealed_columns(Base.metadata))
    if left := counted[header_of(key)] + counted[WITHOUT_ID]:
        raise CannotServe(f"{_values(left)} may need that key; run `luminous keys rotate` first.")
    if isinstance(source, FileKeys):
        source.remove(key.id)
        await _note(kernel, "master_key.retired", key_id)
        typer.echo(f"The master key {key_id} is gone from {source.place}.")
    else:
        typer.echo("No value needs that key: take it out of LUMINOUS_RETIRED_MASTER_KEYS.")


async def _note(kernel: Kernel, action: str, key_id: str) -> None:
    """Write to the trail of the installation what became of a master key."""
    async with kernel.database.unit(SYSTEM) as session:
        note(session, Note(action, "master_key", key_id))


class _Progress:
    """Says how far a long rotation is, about every second."""

    def __init__(self) -> None:
        self._done = 0
        self._said_at = time.monotonic()

    def told(self, name: str, count: int) -> None:
        self._done += count
        if time.monotonic() - self._said_at > 1:
            self._said_at = time.monotonic()
            typer.echo(f"{self._done} values so far, now in {name}")


def _values(count: int) -> str:
    return f"{count} value" + ("" if count == 1 else "s")


def _with_kernel(settings: Settings, act: Callable[[Kernel], Awaitable[T]]) -> T:
    apply_migrations(settings)

    async def within() -> T:
        async with audited_kernel(settings) as kernel:
            try:
                return await act(kernel)
            except InvalidMasterKey as error:
                raise CannotServe(f"The master keys cannot be changed: {error}.") from None

    return asyncio.run(within())
