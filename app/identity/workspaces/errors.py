"""Errors about workspaces."""

from app.core.errors import Conflict, Gone, NotFound, PermissionDenied


class WorkspaceNotFound(NotFound):
    code = "workspace_not_found"
    title = "No such workspace"


class MembershipSuspended(PermissionDenied):
    code = "membership_suspended"
    title = "Your membership of this workspace is suspended"


class LastOwner(Conflict):
    code = "last_owner"
    title = "A workspace keeps at least one owner"

    def __init__(self) -> None:
        super().__init__("Make someone else an owner first.")


class PersonalWorkspace(Conflict):
    code = "personal_workspace"
    title = "A personal workspace stays with its person"


class WorkspaceRestoreExpired(Gone):
    code = "workspace_restore_expired"
    title = "This workspace was deleted too long ago"
