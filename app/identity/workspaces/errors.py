"""Errors about workspaces."""

from app.core.errors import NotFound


class WorkspaceNotFound(NotFound):
    code = "workspace_not_found"
    title = "No such workspace"
