"""What each role in a workspace may do."""

from enum import StrEnum

from app.core.auth import Permission


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


_READS = frozenset(
    {
        Permission.CONVERSATIONS_READ,
        Permission.INTEGRATIONS_READ,
        Permission.MODELS_READ,
        Permission.PROFILE_READ,
        Permission.PROFILE_WRITE,
        Permission.RUNS_READ,
        Permission.WORKSPACES_READ,
    }
)
_WORK = frozenset(
    {
        Permission.API_KEYS_READ,
        Permission.API_KEYS_WRITE,
        Permission.CONVERSATIONS_WRITE,
        Permission.MODELS_INVOKE,
        Permission.RUNS_WRITE,
    }
)

PERMISSIONS: dict[str, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission),
    Role.EDITOR: _READS | _WORK,
    Role.VIEWER: _READS,
}


def permissions_of(role: str) -> frozenset[Permission]:
    """The permissions of a stored role; one that this version does not know has none."""
    return PERMISSIONS.get(role, frozenset())
