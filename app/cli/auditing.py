"""What `luminous audit verify` does: check an export offline, or the trail in Postgres."""

import asyncio
import base64
from collections.abc import Iterable
from pathlib import Path

import typer

from app.cli.errors import CannotServe
from app.core.config import Settings
from app.core.kernel import open_kernel
from app.oversight.audit.checking import verify_chain, verify_export, whole_trail
from app.oversight.audit.proof import key_id_of
from app.oversight.audit.verify import Finding, Verifier

MOST_SHOWN = 1000  # findings of one chain; past it, only their number is told


def verify_file(path: Path, keys: Iterable[str]) -> bool:
    """Check an export; prints a line for each finding, and tells whether there was none."""
    trusted = {key_id_of(key): key for key in map(_public_key, keys)}
    verifier = Verifier(trusted or None)
    try:
        with path.open("rb") as file:
            whole = _tell(verifier, verify_export(verifier, file))
    except OSError as error:
        raise CannotServe(f"{path} cannot be read: {error.strerror}.") from None
    if not trusted:
        names = ", ".join(sorted(verifier.signed_by)) or "nobody"
        typer.echo(f"Signed by {names}, as the file itself says; give --key to be sure of it.")
    return whole


def verify_database(settings: Settings) -> bool:
    """Check every chain in Postgres, as `verify_file` does one."""

    async def within() -> bool:
        whole = True
        async with open_kernel(settings, vectors=False) as kernel:
            for workspace_id in await whole_trail(kernel.database):
                verifier = Verifier()
                findings = [
                    finding
                    async for finding in verify_chain(
                        kernel.database, kernel.vault, workspace_id, verifier
                    )
                ]
                whole = _tell(verifier, findings) and whole
        return whole

    return asyncio.run(within())


def _tell(verifier: Verifier, findings: Iterable[Finding]) -> bool:
    count = 0
    for count, finding in enumerate(findings, 1):
        if count <= MOST_SHOWN:
            typer.echo(str(finding))
    if count > MOST_SHOWN:
        typer.echo(f"… and {count - MOST_SHOWN} more")
    told = "nothing was changed" if count == 0 else f"{count} finding{'s' if count > 1 else ''}"
    typer.echo(
        f"Chain {verifier.chain}: {verifier.rows} rows, {verifier.checkpoints} checkpoints, "
        f"{verifier.erased} values erased, the last is {verifier.ends_with}; {told}."
    )
    return count == 0


def _public_key(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise CannotServe(f"{text[:80]!r} is not an Ed25519 public key in base64.")
    return raw
