"""What changes in a session, by the events of the ORM: no route has to say it.

Only the unit of work of a request is followed (`core.audit.REQUEST`), and only tables that are
`audited`. What a savepoint takes back is forgotten, notes included.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import event, inspect
from sqlalchemy.engine import CursorResult, Result
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import (
    InstanceState,
    ORMExecuteState,
    Session,
    SessionTransaction,
    UOWTransaction,
)
from sqlalchemy.orm.attributes import instance_state

from app.core.audit import NOTES, REQUEST
from app.core.storing import STORED
from app.oversight.audit.tables import AuditedTable, audited_table

CHANGES = "luminous_audit_changes"
_MARKS = "luminous_audit_marks"
Kind = Literal["created", "updated", "deleted"]


@dataclass(slots=True)
class Change:
    """What became of one row; of many at once (`rows`), where a statement named no single one.

    `personal` names the columns whose values may only stand in the erasable part, and
    `subject_id` whom they are about, where the table says it.
    """

    kind: Kind
    resource_type: str
    resource_id: str | None
    workspace_id: UUID | None = None
    subject_id: UUID | None = None
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    personal: frozenset[str] = frozenset()
    rows: int | None = None


def track_changes() -> None:
    """Follow the sessions of this process; calling it again changes nothing."""
    for name, act in (
        ("after_flush", _after_flush),
        ("do_orm_execute", _do_orm_execute),
        ("after_transaction_create", _mark_savepoint),
        ("after_soft_rollback", _forget_taken_back),
    ):
        if not event.contains(Session, name, act):
            event.listen(Session, name, act)


def changes_of(session: AsyncSession) -> list[Change]:
    """The changes of this transaction so far, one for each row, in the order they were made."""
    merged: dict[tuple[str, str | None, int], Change] = {}
    for number, change in enumerate([*_stored(session), *session.info.get(CHANGES, [])]):
        key = (change.resource_type, change.resource_id, 0 if change.rows is None else number + 1)
        known = merged.get(key)
        merged[key] = change if known is None else _merge(known, change)
    return [change for change in merged.values() if _says_something(change)]


def _stored(session: AsyncSession) -> Iterator[Change]:
    """What was stored past the flushes."""
    if not _followed(session.sync_session):
        return
    for state in map(instance_state, session.info.get(STORED, ())):
        table = audited_table(state.mapper)
        if table is not None:
            yield _change_of(state, table, "created")


def _merge(first: Change, then: Change) -> Change:
    """Two changes of one row as one: what it was before both, and what it is after."""
    kind: Kind = "created" if first.kind == "created" else then.kind
    if first.kind == "created" and then.kind == "deleted":
        return Change("updated", first.resource_type, first.resource_id)  # it never was
    return Change(
        kind=kind,
        resource_type=first.resource_type,
        resource_id=first.resource_id,
        workspace_id=then.workspace_id or first.workspace_id,
        subject_id=then.subject_id or first.subject_id,
        before={} if kind == "created" else {**then.before, **first.before},
        after={} if kind == "deleted" else {**first.after, **then.after},
        personal=first.personal | then.personal,
    )


def _says_something(change: Change) -> bool:
    return change.kind != "updated" or change.rows is not None or bool(change.before | change.after)


def _followed(session: Session) -> bool:
    return session.info.get(REQUEST) is not None


def _after_flush(session: Session, _: UOWTransaction) -> None:
    if not _followed(session):
        return
    changes = session.info.setdefault(CHANGES, [])
    groups: tuple[tuple[Kind, Any], ...] = (
        ("created", session.new), ("updated", session.dirty), ("deleted", session.deleted),
    )  # fmt: skip
    for kind, rows in groups:
        for row in rows:
            state = inspect(row)
            table = audited_table(state.mapper)
            if table is not None:
                changes.append(_change_of(state, table, kind))


def _change_of(state: InstanceState[Any], table: AuditedTable, kind: Kind) -> Change:
    row = state.dict
    change = Change(
        kind=kind,
        resource_type=table.resource_type,
        resource_id=table.id_of(row),
        workspace_id=table.workspace_of(row),
        subject_id=table.subject_of(row),
        personal=table.personal,
    )
    if kind == "updated":
        _tell_update(change, state, table)
    else:
        told = change.after if kind == "created" else change.before
        for name, record in table.recorders:
            value = row.get(name)
            if value is not None:
                told[name] = record(value)
    return change


def _tell_update(change: Change, state: InstanceState[Any], table: AuditedTable) -> None:
    for name, record in table.recorders:
        history = state.attrs[name].history
        if not history.has_changes():
            continue
        if history.deleted:
            change.before[name] = _recorded(record, history.deleted[0])
        if history.added:
            change.after[name] = _recorded(record, history.added[0])


def _recorded(record: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else record(value)


def _do_orm_execute(state: ORMExecuteState) -> Result[Any] | None:
    """Notice an `update(Model)` or the like: no row passes the ORM, so rows are only counted."""
    if not (state.is_insert or state.is_update or state.is_delete):
        return None
    mapper = state.bind_mapper
    if mapper is None or not _followed(state.session):
        return None
    table = audited_table(mapper)
    if table is None:
        return None
    result = state.invoke_statement()
    rows = result.rowcount if isinstance(result, CursorResult) else -1
    if rows != 0:
        kind: Kind = "created" if state.is_insert else "updated" if state.is_update else "deleted"
        state.session.info.setdefault(CHANGES, []).append(
            Change(kind, table.resource_type, None, rows=max(rows, 0))
        )
    return result


def _mark_savepoint(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        marks = session.info.setdefault(_MARKS, {})
        marks[transaction] = (
            len(session.info.get(CHANGES, [])), len(session.info.get(NOTES, [])),
            len(session.info.get(STORED, [])),
        )  # fmt: skip


def _forget_taken_back(session: Session, transaction: SessionTransaction) -> None:
    marks = session.info.get(_MARKS, {}).pop(transaction, None)
    if marks is not None:
        for name, mark in zip((CHANGES, NOTES, STORED), marks, strict=True):
            del session.info.get(name, [])[mark:]
