"""What each role in a workspace may do."""

from collections.abc import Iterable
from enum import StrEnum

from app.core.auth import Permission


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


# What a membership says in place of a built-in role: its `role_id` names the workspace's own.
CUSTOM = "custom"


_READS = frozenset(
    {
        Permission.AGENTS_READ,
        Permission.CACHES_READ,
        Permission.COLLECTIONS_READ,
        Permission.CONVERSATIONS_READ,
        Permission.DICTIONARY_READ,
        Permission.EVALUATIONS_READ,
        Permission.GRAPH_READ,
        Permission.GUARDRAILS_READ,
        Permission.INTEGRATIONS_READ,
        Permission.MAILBOXES_READ,
        Permission.MEMORIES_READ,
        Permission.MODELS_READ,
        Permission.PROFILE_READ,
        Permission.PRICES_READ,
        Permission.PROFILE_WRITE,
        Permission.ROUTES_READ,
        Permission.RUNS_READ,
        Permission.SEARCH_READ,
        Permission.TEMPLATES_READ,
        Permission.TOOLS_READ,
        Permission.WORKFLOWS_READ,
        Permission.WORKSPACES_READ,
    }
)
_WORK = frozenset(
    {
        Permission.AGENTS_RUN,
        Permission.AGENTS_WRITE,
        Permission.API_KEYS_READ,
        Permission.API_KEYS_WRITE,
        Permission.BATCHES_READ,
        Permission.BATCHES_WRITE,
        Permission.BUDGETS_READ,
        Permission.COLLECTIONS_WRITE,
        Permission.CONVERSATIONS_WRITE,
        Permission.CUSTOMERS_READ,
        Permission.DICTIONARY_WRITE,
        Permission.EVALUATIONS_WRITE,
        Permission.FEEDBACK_READ,
        Permission.FEEDBACK_WRITE,
        Permission.FINE_TUNING_READ,
        Permission.GRAPH_WRITE,
        Permission.MAILBOXES_WRITE,
        Permission.MEMBERS_READ,
        Permission.MEMORIES_WRITE,
        Permission.MODELS_INVOKE,
        Permission.ROLES_READ,
        Permission.RUNS_WRITE,
        Permission.SEARCH_WRITE,
        Permission.SHARES_READ,
        Permission.SHARES_WRITE,
        Permission.TEMPLATES_WRITE,
        Permission.USAGE_READ,
        Permission.WORKFLOWS_RUN,
        Permission.WORKFLOWS_WRITE,
        Permission.WORKFLOW_TASKS_WRITE,
    }
)

PERMISSIONS: dict[str, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission),
    Role.EDITOR: _READS | _WORK,
    Role.VIEWER: _READS,
}

_NAMES = frozenset(permission.value for permission in Permission)


def permissions_of(role: str, custom: Iterable[str] | None = None) -> frozenset[Permission]:
    """The permissions of a stored role; one that this version does not know has none.

    `custom` are those of the workspace's own role, where the stored one is `custom`.
    """
    if role == CUSTOM:
        return known_permissions(custom or ())
    return PERMISSIONS.get(role, frozenset())


def known_permissions(names: Iterable[str]) -> frozenset[Permission]:
    """Stored permissions; one that a newer version wrote means nothing here."""
    return frozenset(Permission(name) for name in names if name in _NAMES)
