"""Who is calling and what that caller may do; identity implements the resolver."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol
from uuid import UUID

from app.core.db import Scope


class Permission(StrEnum):
    """Everything that can be allowed or refused. An API key's scopes are these values."""

    API_KEYS_READ = "api_keys:read"
    API_KEYS_WRITE = "api_keys:write"
    CONVERSATIONS_READ = "conversations:read"
    CONVERSATIONS_WRITE = "conversations:write"
    INTEGRATIONS_READ = "integrations:read"
    INTEGRATIONS_WRITE = "integrations:write"
    MODELS_INVOKE = "models:invoke"
    MODELS_READ = "models:read"
    PROFILE_READ = "profile:read"
    PROFILE_WRITE = "profile:write"
    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"
    WORKSPACES_READ = "workspaces:read"
    WORKSPACES_WRITE = "workspaces:write"


@dataclass(frozen=True, slots=True)
class Access:
    """A resolved caller: a person or a key, in one workspace, with its permissions."""

    workspace_id: UUID
    user_id: UUID
    permissions: frozenset[Permission]
    credential: Literal["session", "api_key"]
    credential_id: UUID

    @property
    def scope(self) -> Scope:
        return Scope(workspace_id=self.workspace_id, user_id=self.user_id)


class AccessResolver(Protocol):
    """Turns what a request carries into an Access, or raises Unauthenticated."""

    async def resolve(self, bearer: str, workspace_id: UUID | None) -> Access:
        """Resolve a bearer credential; `workspace_id` chooses among a person's workspaces.

        Raises Unauthenticated for a bad credential and NotFound for a foreign workspace.
        """
        ...
