"""Who may put an entry in which status.

Writers draft, propose and deprecate; only who may approve approves and rejects. What writers
change of an approved entry waits for approval again.
"""

from typing import Final

from app.core.auth import Access, Permission
from app.knowledge.dictionary.errors import ApprovalNeeded, TransitionRefused

# From which status each transition leads, and where to.
TRANSITIONS: Final[dict[str, tuple[frozenset[str], str]]] = {
    "propose": (frozenset({"draft", "deprecated"}), "proposed"),
    "approve": (frozenset({"proposed"}), "approved"),
    "reject": (frozenset({"proposed"}), "draft"),
    "deprecate": (frozenset({"draft", "proposed", "approved"}), "deprecated"),
}
DECISIONS: Final = frozenset({"approve", "reject"})


def may_approve(access: Access) -> bool:
    return Permission.DICTIONARY_APPROVE in access.permissions


def expect_approver(access: Access) -> None:
    """Raises ApprovalNeeded."""
    if not may_approve(access):
        raise ApprovalNeeded


def after_transition(action: str, status: str) -> str:
    """The status that a transition leads to; raises TransitionRefused."""
    starts, end = TRANSITIONS[action]
    if status not in starts:
        allowed = " or ".join(sorted(starts))
        raise TransitionRefused(f"To {action} an entry it must be {allowed}; this is {status}.")
    return end


def after_change(access: Access, status: str) -> str:
    """The status of an entry whose content is changed."""
    return "proposed" if status == "approved" and not may_approve(access) else status


def as_imported(access: Access, wanted: str) -> str:
    """The status that an import can give: what it would have approved may have to wait."""
    return after_change(access, wanted)
