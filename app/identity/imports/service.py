"""The import: batch after batch, each in a transaction of its own.

What a killed run has committed stays, and another run of the same file finds it unchanged. A row
about someone who is here updates the name and the locale. A password, and the proof of the address,
are taken only for an account that has no password: its owner may have changed it since, and who
registered an address here and never confirmed it may not be its owner.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from app.core.audit import Note, note
from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession, Database
from app.core.ids import new_id
from app.identity.imports import crud
from app.identity.imports.rows import ImportedPerson, Row
from app.identity.imports.seen import Seen
from app.identity.users.models import User

BATCH = 500

Outcome = Literal["created", "updated", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a row: of an updated one which fields, of a refused one the reason."""

    line: int
    outcome: Outcome
    reason: str = ""
    fields: tuple[str, ...] = ()


@dataclass(slots=True)
class Totals:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0

    def count(self, told: Told) -> None:
        setattr(self, told.outcome, getattr(self, told.outcome) + 1)


async def import_people(
    database: Database, rows: Iterable[Row], report: Callable[[Told], None], *, dry_run: bool
) -> Totals:
    """Import every row, and report each once it is committed."""
    totals = Totals()
    with Seen() as seen:
        for batch in _batches(iter(rows)):
            async with database.unit(SYSTEM, dry_run=dry_run) as session:
                outcomes = await _import(session, batch, seen)
                _note(session, outcomes)
            for told in outcomes:
                totals.count(told)
                report(told)
    return totals


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


async def _import(session: AsyncSession, batch: Sequence[Row], seen: Seen) -> list[Told]:
    """What becomes of each row, in order."""
    told: dict[int, Told] = {}
    people: dict[int, ImportedPerson] = {}
    for row in batch:
        if row.person is None:
            told[row.line] = Told(row.line, "refused", row.reason)
        elif (first := seen.line_of(row.person.email, row.line)) is not None:
            told[row.line] = Told(row.line, "refused", f"repeats the address of line {first}")
        else:
            people[row.line] = row.person
    here = await crud.lock_by_email(session, (person.email for person in people.values()))
    for line, person in people.items():
        if (user := here.get(person.email)) is not None:
            told[line] = _update(line, user, person)
    await session.flush()
    new = {line: person for line, person in people.items() if line not in told}
    made = await crud.add_accounts(session, [_account(person) for person in new.values()])
    for line, person in new.items():
        told[line] = (
            Told(line, "created")
            if person.email in made
            else Told(line, "refused", "was registered at this moment; run the import again")
        )
    return [told[row.line] for row in batch]


def _account(person: ImportedPerson) -> dict[str, object]:
    return {
        "id": new_id(),
        "email": person.email,
        "email_verified_at": now() if person.verified else None,
        "name": person.name.strip(),
        "locale": person.locale,
        "password_hash": person.password_hash,
    }


def _update(line: int, user: User, person: ImportedPerson) -> Told:
    """Bring an account up to what the row says; what the row leaves out stays."""
    if user.kind != "person" or user.status in ("deleted", "erasing"):
        return Told(line, "refused", "the account with this address is deleted, or no person's")
    changes: dict[str, Any] = {}
    given = person.model_fields_set
    if "name" in given and person.name.strip() != user.name:
        changes["name"] = person.name.strip()
    if "locale" in given and person.locale != user.locale:
        changes["locale"] = person.locale
    if user.password_hash is None:
        if person.verified and user.email_verified_at is None:
            changes["email_verified_at"] = now()
        if person.password_hash:
            changes["password_hash"] = person.password_hash
    for field, value in changes.items():
        setattr(user, field, value)
    return Told(line, "updated" if changes else "unchanged", fields=tuple(sorted(changes)))


def _note(session: AsyncSession, outcomes: Iterable[Told]) -> None:
    """One audit row for a batch that changed something."""
    totals = Totals()
    for told in outcomes:
        totals.count(told)
    if totals.created or totals.updated:
        detail = {"created": totals.created, "updated": totals.updated}
        note(session, Note("users.imported", "user", detail=detail))
