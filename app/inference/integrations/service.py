"""What a workspace does with its integrations."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core import restorable
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import AsyncSession
from app.core.errors import AppError, FieldError
from app.core.ids import new_id
from app.core.kernel import Kernel
from app.core.net import parse_url
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.inference.integrations import crud
from app.inference.integrations.directory import Directory, seal_context
from app.inference.integrations.errors import CredentialNeeded, IntegrationNotFound
from app.inference.integrations.models import Integration
from app.inference.integrations.schemas import (
    IntegrationBulkItem,
    IntegrationCreate,
    IntegrationQuery,
    IntegrationTest,
    IntegrationUpdate,
)
from app.inference.providers.errors import ProviderTimedOut
from app.inference.providers.registry import KINDS, kind_of

# All of a try: its answers, and as many pages of models as there are.
TRIAL_SECONDS = 30.0


async def create(
    session: AsyncSession,
    access: Access,
    new: IntegrationCreate,
    *,
    directory: Directory,
    vault: Vault,
) -> Integration:
    """Raises InvalidIntegration, AddressRefused and IntegrationSlugTaken."""
    kind = KINDS[new.kind]
    integration = Integration(
        id=new_id(),
        workspace_id=access.workspace_id,
        kind=new.kind,
        slug=new.slug or new.kind.replace("_", "-"),
        name=new.name or kind.label,
        base_url=str(new.base_url).rstrip("/") if new.base_url else None,
        region=new.region,
        origin="user",
        enabled=new.enabled,
        status="untested",
    )
    if new.api_key:
        write_credential(integration, new.api_key.get_secret_value(), vault)
    directory.build(integration)
    return await crud.add(session, integration)


def write_credential(integration: Integration, secret: str, vault: Vault) -> None:
    """Seal the secret into the row, with what may be shown of it."""
    secret = secret.strip()
    integration.sealed_credential = vault.seal(secret, context=seal_context(integration))
    integration.last_four = secret[-4:] if len(secret) >= 12 else None
    integration.fingerprint = vault.fingerprint(secret)


async def get(session: AsyncSession, access: Access, integration_id: UUID) -> Integration:
    integration = await crud.get(session, access.workspace_id, integration_id)
    if integration is None:
        raise IntegrationNotFound
    return integration


async def page(
    session: AsyncSession, access: Access, query: IntegrationQuery, cursors: Cursors
) -> Slice[Integration]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def update(
    session: AsyncSession,
    access: Access,
    integration_id: UUID,
    change: IntegrationUpdate,
    *,
    directory: Directory,
    vault: Vault,
) -> Integration:
    """Raises IntegrationNotFound, CredentialNeeded, InvalidIntegration and AddressRefused."""
    integration = await get(session, access, integration_id)
    await match(session, integration)
    given = change.model_fields_set
    if "name" in given and change.name:
        integration.name = change.name
    if "enabled" in given and change.enabled is not None:
        integration.enabled = change.enabled
    if "region" in given:
        integration.region = change.region
    if "base_url" in given:
        # An address that a user chose is a user's, whoever made the integration.
        integration.origin = "user"
        before = server_of(integration)
        integration.base_url = str(change.base_url).rstrip("/") if change.base_url else None
        if integration.sealed_credential and not change.api_key:
            expect_same(before, server_of(integration))
    if change.api_key:
        write_credential(integration, change.api_key.get_secret_value(), vault)
    if given & {"base_url", "api_key"}:
        integration.status, integration.last_error = "untested", None
        integration.models, integration.models_listed_at = [], None
        directory.try_again(integration.id)
    directory.build(integration)
    await session.flush()
    await session.refresh(integration)
    return integration


def server_of(integration: Integration) -> tuple[str, str | None, int | None]:
    """Who is given an integration's credential."""
    url = parse_url(integration.base_url or kind_of(integration.kind).base_url or "")
    return url.scheme, url.raw_host, url.port


def expect_same(before: object, server: object) -> None:
    """Keep a credential from whoever may not have been meant to see it; raises CredentialNeeded."""
    if before != server:
        raise CredentialNeeded(
            "The stored key was given for another server: send `api_key` with the new address.",
            errors=(FieldError("/body/api_key", CredentialNeeded.code, "needed with it"),),
        )


async def delete(session: AsyncSession, access: Access, integration_id: UUID) -> None:
    """The credential is destroyed at once; the row stays for the ledger's sake."""
    integration = await get(session, access, integration_id)
    await match(session, integration)
    integration.deleted_at = now()
    integration.sealed_credential = None
    integration.last_four = integration.fingerprint = None
    await session.flush()


async def restore(session: AsyncSession, access: Access, integration_id: UUID) -> Integration:
    """Bring a deleted one back, without the credential that was destroyed.

    Raises IntegrationNotFound, RestoreExpired and IntegrationSlugTaken.
    """
    integration = await restorable.find(
        session, Integration, access.workspace_id, integration_id, for_update=True
    )
    if integration is None:
        raise IntegrationNotFound
    restorable.expect_restorable(integration)
    if integration.deleted_at:
        await crud.restore(session, integration)
        integration.status, integration.last_error = "untested", None
        await session.flush()
        await session.refresh(integration)
    return integration


async def bulk(
    session: AsyncSession, access: Access, items: list[IntegrationBulkItem]
) -> BulkResult:
    """Each item on its own: one that fails leaves the others done."""

    async def act(item: IntegrationBulkItem) -> UUID:
        done = delete if item.action == "delete" else restore
        await done(session, access, item.id)
        return item.id

    return await each(session, items, act)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of calling a provider."""

    latency_ms: int
    models: list[dict[str, Any]]
    failure: AppError | None


async def try_out(
    kernel: Kernel, access: Access, integration_id: UUID, directory: Directory
) -> Trial:
    """Try the credentials for real. No session is held meanwhile."""
    async with kernel.database.unit(access.scope) as session:
        integration = await get(session, access, integration_id)
        endpoint = directory.build(integration)
        note(session, Note("integration_credential.used", "ai_integration", integration_id))
    began = time.perf_counter()
    failure: AppError | None = None
    models: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(TRIAL_SECONDS):
            await endpoint.provider.check()
            models = await directory.list_models(endpoint)
    except AppError as error:
        failure = error
    except TimeoutError:
        failure = ProviderTimedOut(endpoint.label, "the try took too long.")
    return Trial(round((time.perf_counter() - began) * 1000), models, failure)


async def keep_trial(
    session: AsyncSession, access: Access, integration_id: UUID, trial: Trial
) -> IntegrationTest:
    """Write down what a trial found."""
    integration = await get(session, access, integration_id)
    problem = trial.failure.problem() if trial.failure else None
    integration.status = "failing" if problem else "working"
    integration.last_error = problem
    integration.last_tested_at = now()
    if not problem:
        integration.models, integration.models_listed_at = trial.models, now()
    await session.flush()
    return IntegrationTest.model_validate(
        {
            "ok": problem is None,
            "latency_ms": trial.latency_ms,
            "models": len(trial.models),
            "error": problem,
        }
    )
