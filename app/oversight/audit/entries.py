"""From what a transaction did to the rows of the trail: who, what, before and after, from where."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.core.audit import Note, RequestFacts
from app.core.clock import now
from app.core.ids import new_id
from app.oversight.audit.models import INSTALLATION
from app.oversight.audit.proof import commitment_to, digest_of, new_salt
from app.oversight.audit.tracking import Change
from app.oversight.audit.values import MOST_DETAIL_BYTES, as_json, shortened, text_of

# In a session's `info`: the people of whom this transaction writes nothing down any more.
FORGOTTEN = "luminous_audit_forgotten"
MOST_CHANGES_BYTES = 16 * 1024  # of one row; what is more goes on in another


@dataclass(slots=True)
class Erasable:
    """The values of a row that can be erased, and what is chained in their stead."""

    forgotten: Set[UUID] = frozenset()
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    commitments: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: Any, subject_id: UUID | None) -> None:
        """Commit to a JSON value; one that is empty, or about someone forgotten, is left out."""
        if value in (None, "", {}) or subject_id in self.forgotten:
            return
        salt, text = new_salt(), text_of(value)
        self.commitments[name] = commitment_to(salt, text)
        self.values[name] = {
            "salt": salt, "value": text, "subject": str(subject_id) if subject_id else None,
        }  # fmt: skip

    @property
    def subject_ids(self) -> list[str]:
        return sorted({entry["subject"] for entry in self.values.values() if entry["subject"]})


def entries_of(
    facts: RequestFacts | None,
    notes: Sequence[Note],
    changes: Sequence[Change],
    forgotten: Set[UUID] = frozenset(),
) -> list[dict[str, Any]]:
    """The rows to append, as JSON, in the order in which their chains are to be locked."""
    first = notes[0] if notes else None
    entries: list[dict[str, Any]] = []
    if changes:
        named = _placed(first, changes) if first else _named_by(facts, changes)
        entries += [_entry(facts, named, part, forgotten) for part in _parts(changes)]
    entries += [_entry(facts, each, (), forgotten) for each in (notes[1:] if changes else notes)]
    return sorted(entries, key=lambda entry: entry["workspace_id"])


def _named_by(facts: RequestFacts | None, changes: Sequence[Change]) -> Note:
    """The row of a request of which nothing was noted: its operation, on its first resource."""
    return Note(
        action=facts.operation if facts else "unnamed",
        resource_type=changes[0].resource_type,
        resource_id=changes[0].resource_id,
        workspace_id=_workspace_of(changes),
    )


def _placed(what: Note, changes: Sequence[Change]) -> Note:
    """A note in the workspace that it names, or in that of what has changed."""
    return what if what.workspace_id else replace(what, workspace_id=_workspace_of(changes))


def _workspace_of(changes: Sequence[Change]) -> UUID | None:
    return next((change.workspace_id for change in changes if change.workspace_id), None)


def _entry(
    facts: RequestFacts | None, what: Note, changes: Iterable[Change], forgotten: Set[UUID]
) -> dict[str, Any]:
    access = facts.access if facts else None
    actor_id = what.actor_id or (access.user_id if access else None)
    workspace_id = what.workspace_id or (access.workspace_id if access else None) or INSTALLATION
    erasable = Erasable(forgotten)
    if facts:
        erasable.put("address", facts.address, actor_id)
        erasable.put("user_agent", facts.user_agent, actor_id)
    detail = shortened(as_json(what.detail), MOST_DETAIL_BYTES)
    erasable.put("detail", detail, what.subject_id or actor_id)
    told = [_told(i, change, actor_id, erasable) for i, change in enumerate(changes)]
    content = {
        "id": str(new_id()),
        "at": time_text(now()),
        "actor_id": _text(actor_id),
        "credential": access.credential if access else None,
        "credential_id": _text(access.credential_id) if access else None,
        "action": what.action,
        "operation": facts.operation if facts else None,
        "resource_type": what.resource_type,
        "resource_id": _text(what.resource_id),
        "outcome": what.outcome,
        "request_id": facts.request_id if facts else None,
        "changes": told,
        "commitments": erasable.commitments,
    }
    return {
        **content,
        "workspace_id": str(workspace_id),
        "erasable": erasable.values,
        "subject_ids": erasable.subject_ids,
        "digest": digest_of(content).hex(),
    }


def _told(number: int, change: Change, actor_id: UUID | None, erasable: Erasable) -> dict[str, Any]:
    """One change as JSON: the plain values here, the personal ones committed to."""
    told: dict[str, Any] = {
        "kind": change.kind,
        "resource_type": change.resource_type,
        "resource_id": change.resource_id,
        "rows": change.rows,
        "before": {},
        "after": {},
    }
    for side, values in (("before", change.before), ("after", change.after)):
        for name, value in values.items():
            if name in change.personal and value is not None:
                place = f"changes/{number}/{side}/{name}"
                erasable.put(place, value, change.subject_id or actor_id)
            else:
                told[side][name] = value
    return told


def _parts(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """The changes in portions that each fit into a row."""
    part: list[Change] = []
    size = 0
    for change in changes:
        # Each value that is committed to comes with a name, a salt and two digests.
        values = len(change.before) + len(change.after)
        weight = len(text_of([change.before, change.after]).encode()) + 200 * (values + 1)
        if part and size + weight > MOST_CHANGES_BYTES:
            yield part
            part, size = [], 0
        part.append(change)
        size += weight
    yield part


def time_text(at: datetime) -> str:
    """A time as the trail writes it: UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
