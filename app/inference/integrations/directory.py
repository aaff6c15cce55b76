"""The directory: a workspace's integrations ready to be called, kept in memory for a moment."""

import asyncio
import math
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

from app.core import restorable
from app.core.audit import Note, note
from app.core.clock import now
from app.core.config import Settings
from app.core.crypto import UnreadableSecret, Vault
from app.core.db import AsyncSession, Database, Scope
from app.core.errors import AppError
from app.core.fresh import Fresh
from app.core.log import get_logger
from app.inference.integrations import crud
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.integrations.models import Integration
from app.inference.providers.demo.options import MODELS as DEMO_MODELS
from app.inference.providers.model_types import type_of
from app.inference.providers.registry import KINDS, build_provider, kind_of
from app.inference.providers.transport import Transport
from app.inference.providers.types import Provider

log = get_logger(__name__)

# How many credentials' use is remembered as told.
MOST_TOLD = 10_000
LISTING_SECONDS = 5.0
SILENT_SECONDS = 60.0
HEARD = (0.0, "")
# How often the audit trail is told that a credential is in use.
TOLD_SECONDS = 3600.0
DEMO_SLUG = "demo"
LOCAL_SLUG, LOCAL_MODEL = "local", "minilm-l6-v2"

# The model that is taken where nobody named one, by kind; else the first chat model listed.
USUAL_MODELS = {
    "openai": ("gpt-5.5", "gpt-5.4", "gpt-5.2", "gpt-5.1", "gpt-5", "gpt-4.1", "gpt-4o"),
    "anthropic": ("claude-sonnet-5", "claude-sonnet-4-6", "claude-sonnet-4-5", "claude-haiku-4-5"),
    "gemini": ("gemini-3.5-flash", "gemini-3-flash", "gemini-2.5-flash", "gemini-2.5-pro"),
    "demo": ("chat",),
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One integration, built. `models` is its last listing, `silence` why there is none."""

    integration_id: UUID | None
    kind: str
    slug: str
    label: str
    dialect: str
    base_url: str
    provider: Provider = field(repr=False)
    api_key: str = field(repr=False)
    allow_private: bool
    models: tuple[dict[str, Any], ...]
    listed_at: float | None
    region: str | None = None
    silence: str = ""

    def offers(self, model: str) -> bool:
        return any(listed["name"] == model for listed in self.models)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes: an endpoint and the provider's own name of the model."""

    endpoint: Endpoint
    model: str

    @property
    def reference(self) -> str:
        """The name by which a client can ask for exactly this again."""
        return f"{self.endpoint.slug}/{self.model}"


def seal_context(integration: Integration) -> str:
    return f"integration:{integration.workspace_id}:{integration.id}"


def targets(endpoints: tuple[Endpoint, ...], wanted: str) -> tuple[Target, ...]:
    """Where a name leads: one target for `<slug>/<model>`, and for a bare name all that offer it.

    An empty name means the usual model. Raises ModelUnknown and NoModel.
    """
    if not wanted:
        usual = _usual(endpoints)
        if usual is None:
            raise NoModel(without_models(endpoints))
        return (usual,)
    slug, _, name = wanted.partition("/")
    for endpoint in endpoints:
        if endpoint.slug == slug and name:
            return (Target(endpoint, name),)
    found = tuple(Target(endpoint, wanted) for endpoint in endpoints if endpoint.offers(wanted))
    if not found:
        silent = [endpoint for endpoint in endpoints if endpoint.silence]
        raise ModelUnknown(wanted, without_models(silent))
    return found


def without_models(endpoints: Iterable[Endpoint]) -> list[str]:
    """Which of them should have chat models and list none, and why."""
    return [
        f"`{endpoint.slug}` ({endpoint.silence or 'it lists no chat model'})"
        for endpoint in chatting(endpoints)
    ]


def _usual(endpoints: tuple[Endpoint, ...]) -> Target | None:
    """A real provider's before the demo's, and by name before the first of a list."""
    real = chatting(endpoints)
    for endpoint in real or endpoints:
        for model in USUAL_MODELS.get(endpoint.kind, ()):
            if endpoint.offers(model):
                return Target(endpoint, model)
    for endpoint in real or endpoints:
        for listed in endpoint.models:
            if type_of(listed["name"]) == "chat":
                return Target(endpoint, listed["name"])
    return None


def chatting(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """The endpoints of providers with chat models; the demo is none."""
    return [each for each in endpoints if each.kind != DEMO_SLUG and KINDS[each.kind].chats]


class Directory:
    """Finds the endpoint for a model's name, without a query while its knowledge is fresh.

    Another process may go on for `FRESH_SECONDS` with what was changed or deleted here.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        transport: Transport,
        settings: Settings,
        demo_url: str | None,
        local_url: str | None = None,
    ) -> None:
        self._database = database
        self._vault = vault
        self._transport = transport
        self._settings = settings
        self._demo = self._build_demo(demo_url) if demo_url else None
        self._local = self._build_local(local_url) if local_url else None
        # Until when each is left alone, and why.
        self._silent: dict[UUID, tuple[float, str]] = {}
        self._told: dict[UUID, float] = {}
        self._known: Fresh[tuple[Endpoint, ...]] = Fresh(self._load)

    async def endpoints(self, workspace_id: UUID) -> tuple[Endpoint, ...]:
        """The workspace's enabled endpoints, oldest first, and what this machine has itself.

        The demo is there where nothing else chats.
        """
        return await self._known.get(workspace_id)

    def peek(self, workspace_id: UUID) -> tuple[Endpoint, ...] | None:
        """The same without waiting; None where `endpoints` must be awaited."""
        return self._known.peek(workspace_id)

    async def _load(self, workspace_id: UUID) -> tuple[Endpoint, ...]:
        async with self._database.unit(Scope(workspace_id=workspace_id)) as session:
            rows = await restorable.all_living(session, Integration, workspace_id)
            self._note_use(session, rows)
        built = (self._readable(row) for row in rows if row.enabled)
        found = tuple(endpoint for endpoint in built if endpoint)
        named = any(endpoint.slug == DEMO_SLUG for endpoint in found)
        always = self._settings.demo_provider == "always"
        if self._demo and not named and (always or not chatting(found)):
            found = (*found, self._demo)
        if self._local and not any(endpoint.slug == LOCAL_SLUG for endpoint in found):
            found = (*found, self._local)
        return found

    def _note_use(self, session: AsyncSession, rows: Iterable[Integration]) -> None:
        """Have the audit trail say that these credentials are opened, once an hour each."""
        moment = time.monotonic()
        if len(self._told) >= MOST_TOLD:
            self._told.clear()
        for row in rows:
            told = self._told.get(row.id, -math.inf)
            if row.enabled and row.sealed_credential and moment - told > TOLD_SECONDS:
                note(session, Note("integration_credential.opened", "ai_integration", row.id))
                self._told[row.id] = moment

    def _readable(self, row: Integration) -> Endpoint | None:
        try:
            return self.build(row)
        except (UnreadableSecret, AppError) as error:
            # One that cannot be used takes nothing from the others; a test of it says why.
            log.warning("integration_unusable", integration=row.slug, reason=str(error))
            return None

    async def refresh(self, workspace_id: UUID, *, older_than: float = math.inf) -> None:
        """Ask endpoints for their models: those never listed, or not for `older_than` seconds.

        One that does not answer keeps its last listing and is left alone for a minute.
        """
        stale = [
            endpoint
            for endpoint in await self.endpoints(workspace_id)
            if endpoint.integration_id
            and (not endpoint.listed_at or endpoint.listed_at < time.time() - older_than)
            and time.monotonic() > self._silent.get(endpoint.integration_id, HEARD)[0]
        ]
        if not stale:
            return
        listings = await asyncio.gather(*(self._listing(endpoint) for endpoint in stale))
        async with self._database.unit(Scope(workspace_id=workspace_id)) as session:
            for endpoint, models in zip(stale, listings, strict=True):
                if models is not None and endpoint.integration_id:
                    row = await crud.get(session, workspace_id, endpoint.integration_id)
                    if row is not None:
                        row.models, row.models_listed_at = models, now()
        self.forget(workspace_id)

    async def _listing(self, endpoint: Endpoint) -> list[dict[str, Any]] | None:
        try:
            async with asyncio.timeout(LISTING_SECONDS):
                return await self.list_models(endpoint)
        except (AppError, TimeoutError) as error:
            reason = str(error).rstrip(".") or f"no answer within {LISTING_SECONDS:g} seconds"
            log.warning("listing_failed", integration=endpoint.slug, reason=reason)
            if endpoint.integration_id:
                until = time.monotonic() + SILENT_SECONDS
                self._silent[endpoint.integration_id] = until, reason
            return None

    async def target(self, workspace_id: UUID, model: str | None) -> Target:
        """Where `<slug>/<model>`, a model's own name, or None (the default) leads.

        Endpoints that were never listed are asked, where the answer needs it. Raises ModelUnknown
        and NoModel.
        """
        try:
            return await self.known_target(workspace_id, model)
        except (ModelUnknown, NoModel):
            await self.refresh(workspace_id)
            return await self.known_target(workspace_id, model)

    async def known_target(self, workspace_id: UUID, model: str | None) -> Target:
        """The same by what is known already: nobody is asked."""
        wanted = model or self._settings.default_model
        endpoints = await self.endpoints(workspace_id)
        return targets(endpoints, wanted)[0]

    def forget(self, workspace_id: UUID) -> None:
        """Read this workspace's integrations anew at the next call."""
        self._known.forget(workspace_id)

    def try_again(self, integration_id: UUID) -> None:
        """Its address or key has changed: it may be asked again at once."""
        self._silent.pop(integration_id, None)

    def build(self, integration: Integration) -> Endpoint:
        """Build what a row describes; raises InvalidIntegration and AddressRefused."""
        secret = ""
        if integration.sealed_credential:
            context = seal_context(integration)
            secret = self._vault.open(integration.sealed_credential, context=context)
        if integration.kind == DEMO_SLUG and self._demo and not integration.base_url:
            return replace(
                self._demo,
                integration_id=integration.id,
                slug=integration.slug,
                label=integration.name,
                listed_at=time.time(),
                region=integration.region,
            )
        kind = kind_of(integration.kind)
        base_url = integration.base_url or kind.base_url or ""
        # Only what the operator's own environment names may stand on the operator's network.
        allow_private = integration.origin in ("environment", "discovered")
        provider = build_provider(
            integration.kind, base_url, secret, self._transport, self._settings, allow_private
        )
        self._transport.check_url(base_url, allow_private=allow_private)
        listed_at = integration.models_listed_at
        return Endpoint(
            integration_id=integration.id,
            kind=integration.kind,
            slug=integration.slug,
            label=integration.name,
            dialect=kind.dialect,
            base_url=base_url,
            provider=provider,
            api_key=secret,
            allow_private=allow_private,
            models=tuple(integration.models or ()),
            listed_at=listed_at.timestamp() if listed_at else None,
            region=integration.region,
            silence="" if listed_at else self._silent.get(integration.id, HEARD)[1],
        )

    def _build_demo(self, demo_url: str) -> Endpoint:
        models = tuple({"name": name, "display_name": f"Demo: {name}"} for name in DEMO_MODELS)
        return self._build_own(DEMO_SLUG, demo_url, models)

    def _build_local(self, local_url: str) -> Endpoint:
        """The small embedding model on this machine."""
        listed = {"name": LOCAL_MODEL, "display_name": "all-MiniLM-L6-v2", "context_window": 256}
        return self._build_own(LOCAL_SLUG, local_url, (listed,))

    def _build_own(self, kind: str, url: str, models: tuple[dict[str, Any], ...]) -> Endpoint:
        return Endpoint(
            integration_id=None,
            kind=kind,
            slug=kind,
            label=KINDS[kind].label,
            dialect=KINDS[kind].dialect,
            base_url=url,
            provider=build_provider(kind, url, "", self._transport, self._settings, True),
            api_key="",
            allow_private=True,
            models=models,
            listed_at=time.time(),
        )

    @staticmethod
    async def list_models(endpoint: Endpoint) -> list[dict[str, Any]]:
        """Ask the provider what it offers; at most 2,000 models are kept."""
        return [asdict(model) for model in (await endpoint.provider.list_models())[:2000]]
