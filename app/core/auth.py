"""Who is calling and what that caller may do; identity implements the resolver."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol
from uuid import UUID

from app.core.db import Scope
from app.core.limits import Limit


class Permission(StrEnum):
    """Everything that can be allowed or refused. An API key's scopes are these values."""

    AGENTS_READ = "agents:read"
    AGENTS_RUN = "agents:run"
    AGENTS_WRITE = "agents:write"
    API_KEYS_READ = "api_keys:read"
    API_KEYS_WRITE = "api_keys:write"
    AUDIT_READ = "audit:read"
    BATCHES_READ = "batches:read"
    BATCHES_WRITE = "batches:write"
    BUDGETS_READ = "budgets:read"
    BUDGETS_WRITE = "budgets:write"
    CACHES_READ = "caches:read"
    CACHES_WRITE = "caches:write"
    COLLECTIONS_READ = "collections:read"
    COLLECTIONS_WRITE = "collections:write"
    CONVERSATIONS_READ = "conversations:read"
    CONVERSATIONS_WRITE = "conversations:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    DICTIONARY_APPROVE = "dictionary:approve"
    DICTIONARY_READ = "dictionary:read"
    DICTIONARY_WRITE = "dictionary:write"
    EVALUATIONS_READ = "evaluations:read"
    EVALUATIONS_WRITE = "evaluations:write"
    FEEDBACK_READ = "feedback:read"
    FEEDBACK_WRITE = "feedback:write"
    FINE_TUNING_READ = "fine_tuning:read"
    FINE_TUNING_WRITE = "fine_tuning:write"
    GRAPH_READ = "graph:read"
    GRAPH_WRITE = "graph:write"
    GUARDRAILS_READ = "guardrails:read"
    GUARDRAILS_WRITE = "guardrails:write"
    INTEGRATIONS_READ = "integrations:read"
    INTEGRATIONS_WRITE = "integrations:write"
    MAILBOXES_READ = "mailboxes:read"
    MAILBOXES_WRITE = "mailboxes:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    MEMORIES_READ = "memories:read"
    MEMORIES_WRITE = "memories:write"
    MODELS_INVOKE = "models:invoke"
    MODELS_READ = "models:read"
    PRICES_READ = "prices:read"
    PRICES_WRITE = "prices:write"
    PRIVACY_READ = "privacy:read"
    PRIVACY_WRITE = "privacy:write"
    PROFILE_READ = "profile:read"
    PROFILE_WRITE = "profile:write"
    ROLES_READ = "roles:read"
    ROLES_WRITE = "roles:write"
    ROUTES_READ = "routes:read"
    ROUTES_WRITE = "routes:write"
    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"
    SEARCH_READ = "search:read"
    SEARCH_WRITE = "search:write"
    SERVICE_ACCOUNTS_READ = "service_accounts:read"
    SERVICE_ACCOUNTS_WRITE = "service_accounts:write"
    SHARES_READ = "shares:read"
    SHARES_WRITE = "shares:write"
    SSO_READ = "sso:read"
    SSO_WRITE = "sso:write"
    TEMPLATES_READ = "templates:read"
    TEMPLATES_WRITE = "templates:write"
    TOOLS_READ = "tools:read"
    TOOLS_WRITE = "tools:write"
    USAGE_READ = "usage:read"
    WORKFLOWS_READ = "workflows:read"
    WORKFLOWS_RUN = "workflows:run"
    WORKFLOWS_WRITE = "workflows:write"
    WORKFLOW_TASKS_WRITE = "workflow_tasks:write"
    WORKSPACES_READ = "workspaces:read"
    WORKSPACES_WRITE = "workspaces:write"


@dataclass(frozen=True, slots=True)
class KeyRules:
    """What an API key may ask of models; None allows all.

    `models` are patterns (`openai/gpt-*`) of references or of routes' names, `features` the
    surfaces (`chat`, `embeddings`, `audio`, `images`, `batches`, `files`, `fine_tuning`), `tokens`
    limits in tokens where a Limit counts requests, `concurrency` how many calls may be under way,
    `route` what answers where a request leaves it open, `tags` what its calls are labelled with,
    and where they are `tags_fixed` with nothing else. `customer` is the one whom all its calls are
    for.
    """

    models: tuple[str, ...] | None = None
    features: frozenset[str] | None = None
    tokens: tuple[Limit, ...] = ()
    concurrency: int | None = None
    route: str | None = None
    tags: tuple[str, ...] = ()
    tags_fixed: bool = False
    customer: str | None = None


EVERYTHING = KeyRules()


@dataclass(frozen=True, slots=True)
class Access:
    """A resolved caller: a person or a key, in one workspace, with its permissions.

    Of a session, `authenticated_at` is when the person last proved who they are (signed in, or
    stepped up), and `second_factor` whether that took more than a password. A key has neither.
    `limits` are a key's own rate limits, beside those that the operator sets for everyone, and
    `rules` what it may ask of models. `memo` is where others keep what they have worked out of it,
    by names of their own; it lives for as long as the key is remembered and nothing of it changes.
    """

    workspace_id: UUID
    user_id: UUID
    permissions: frozenset[Permission]
    credential: Literal["session", "api_key"]
    credential_id: UUID
    role: str = ""
    authenticated_at: datetime | None = None
    second_factor: bool = False
    limits: tuple[Limit, ...] = ()
    rules: KeyRules = EVERYTHING
    memo: dict[str, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    @property
    def scope(self) -> Scope:
        return Scope(workspace_id=self.workspace_id, user_id=self.user_id)

    @property
    def api_key_id(self) -> UUID | None:
        return self.credential_id if self.credential == "api_key" else None


class AccessResolver(Protocol):
    """Turns what a request carries into an Access, or raises Unauthenticated."""

    def peek(self, bearer: str, workspace_id: UUID | None, address: str = "") -> Access | None:
        """What `resolve` would give without waiting; None where it must be awaited, or raises."""
        ...

    async def resolve(self, bearer: str, workspace_id: UUID | None, address: str = "") -> Access:
        """Resolve a bearer credential; `workspace_id` chooses among a person's workspaces.

        `address` is where the call comes from; a key that is bound to networks is refused without
        one. Raises Unauthenticated for a bad credential, NotFound for a foreign workspace, and
        PermissionDenied for a suspended member or an address that is not allowed.
        """
        ...

    async def stands(self, access: Access) -> bool:
        """Whether who was let in would be let in still."""
        ...

    def forget(self, subject_id: UUID) -> None:
        """Drop what is remembered of a key, a user or a workspace, in every process."""
        ...
