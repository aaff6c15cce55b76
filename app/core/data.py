"""What each column holds and what becomes of it: the declarations that privacy and audit read.

Every table says whose data it is and what an erasure does with it (`__handling__`). Every column
of text, JSON or bytes says what it holds: `personal`, `secret` or `plain`; a test fails for one
that does not. Ids, numbers, times and truth values are technical unless they are declared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

KEY = "luminous_data"


class Category(StrEnum):
    """What kind of personal data a column holds."""

    IDENTITY = "identity"  # names, e-mail addresses, accounts elsewhere
    CONTENT = "content"  # what a person wrote, or was answered
    DEVICE = "device"  # addresses, user agents
    PREFERENCE = "preference"  # locale, time zone, settings, consent
    USAGE = "usage"  # what a person did, and when


@dataclass(frozen=True, slots=True)
class Declared:
    """What one column holds. `category` is given exactly where it is personal."""

    kind: Literal["personal", "secret", "plain"]
    category: Category | None = None
    sealed_as: str | None = None


def personal(category: Category) -> dict[Any, Any]:
    """The `info=` of a column with personal data."""
    return {KEY: Declared("personal", category)}


def secret(*, sealed_as: str | None = None) -> dict[Any, Any]:
    """The `info=` of a column whose value must never be shown: a hash, a sealed credential.

    `sealed_as` is the vault context of a sealed value, formatted with the row's columns
    (`"ai_integrations/{id}"`); the rotation of the master key finds its columns by it.
    """
    return {KEY: Declared("secret", None, sealed_as)}


def plain() -> dict[Any, Any]:
    """The `info=` of a column of text, JSON or bytes that is not about a person."""
    return {KEY: Declared("plain")}


def declared(info: Mapping[Any, Any]) -> Declared | None:
    """What a column's `info` declares."""
    found: Declared | None = info.get(KEY)
    return found


@dataclass(frozen=True, slots=True)
class Handling:
    """Whose data a table holds, why, and what an erasure and time do with it.

    `subject` is the column with the person's id; `through` names the parent instead
    (`("conversation_id", "conversations")`). `by_email` is a column with the address of someone
    who need not have an account (an invitation, say). None of the three: about no person of ours.
    `erased_by` names the operation by which a workspace erases rows about people of its own, who
    have no account here: it decides about their data, we keep them for it, and no erasure of an
    account reaches them, whatever address it has; they go with the workspace.
    `erase`: the rows are deleted, their personal columns cleared, or they are kept (`reason`).
    `mentions` are columns with the id of somebody whose row it is not (who decided, who pays), or
    lists that name such people by id or address: an erasure of theirs leaves the row, and nobody
    in these.
    `retention` names the class of the retention policy that applies, if one does, and `aged_by`
    the time from which it counts; a row without that time is not old yet.
    """

    purpose: str
    subject: str | None = None
    through: tuple[str, str] | None = None
    erase: Literal["delete", "clear", "keep"] = "delete"
    reason: str = ""
    basis: Literal["contract", "consent", "legal_obligation", "legitimate_interest"] = "contract"
    retention: str | None = None
    aged_by: str = "created_at"
    by_email: str | None = None
    audited: bool = True
    erased_by: str | None = None
    mentions: tuple[str, ...] = ()


def technical(purpose: str, *, audited: bool = True) -> Handling:
    """The handling of a table that is about no person."""
    return Handling(purpose, erase="keep", reason="no personal data", audited=audited)
