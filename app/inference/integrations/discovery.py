"""What the operator's environment offers: keys in it, and local servers that answer."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.clock import now
from app.core.config import Settings
from app.core.crypto import Vault
from app.core.db import Scope
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.inference.integrations.models import Integration
from app.inference.integrations.service import write_credential
from app.inference.providers.registry import KINDS, build_provider
from app.inference.providers.transport import Transport

log = get_logger(__name__)

PROBE_SECONDS = 1.5
OWN = ("environment", "discovered")


@dataclass(frozen=True, slots=True)
class Offer:
    """An integration the environment asks for."""

    kind: str
    slug: str
    name: str
    base_url: str | None
    api_key: str | None
    origin: str


# Where OpenAI-compatible servers usually stand on one's own machine.
LOCAL_SERVERS = (
    ("ollama", "ollama", "Ollama", "http://127.0.0.1:11434/v1"),
    ("openai_compatible", "lm-studio", "LM Studio", "http://127.0.0.1:1234/v1"),
    ("openai_compatible", "llama-cpp", "llama.cpp", "http://127.0.0.1:8080/v1"),
    ("openai_compatible", "vllm", "vLLM", "http://127.0.0.1:8000/v1"),
)


def keys_in_environment(settings: Settings) -> Iterator[Offer]:
    """The providers whose key (and, where it needs one, address) stands in the environment."""
    variables = settings.provider_environment
    for kind in KINDS.values():
        key = variables.get(kind.key_variable or "")
        if not key:
            continue
        address = variables.get(kind.address_variable or "") or None
        if kind.base_url or address:
            slug = kind.name.replace("_", "-")
            yield Offer(kind.name, slug, kind.label, address, key, "environment")


async def local_servers(settings: Settings, transport: Transport) -> list[Offer]:
    """The local servers that answer `GET /models` now."""
    found = await asyncio.gather(*(_probe(o, settings, transport) for o in _candidates(settings)))
    return [offer for offer in found if offer]


def _candidates(settings: Settings) -> Iterator[Offer]:
    ollama = settings.provider_environment.get("OLLAMA_HOST", "")
    for kind, slug, name, url in LOCAL_SERVERS:
        address = _ollama_address(ollama) if kind == "ollama" and ollama else url
        if not address.endswith(f":{settings.port}/v1"):  # that one is ourselves
            yield Offer(kind, slug, name, address, None, "discovered")


def _ollama_address(host: str) -> str:
    """`OLLAMA_HOST` is also Ollama's own listening address: `0.0.0.0:11434`, without a scheme."""
    given = urlsplit(host if "://" in host else f"http://{host}")
    name = {"0.0.0.0": "127.0.0.1"}.get(given.hostname or "", given.hostname)  # noqa: S104
    port = given.port or (None if given.scheme == "https" else 11434)
    return f"{given.scheme}://{name}{f':{port}' if port else ''}/v1"


async def _probe(offer: Offer, settings: Settings, transport: Transport) -> Offer | None:
    provider = build_provider(offer.kind, offer.base_url, "", transport, settings, True)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            models = await provider.list_models()
    except (AppError, TimeoutError):
        return None
    return offer if models else None


async def sync_environment(kernel: Kernel, workspace_id: UUID, transport: Transport) -> None:
    """Make the workspace's own-environment integrations what the environment says now."""
    offers = list(keys_in_environment(kernel.settings))
    if kernel.settings.discover_local_models:
        offers += await local_servers(kernel.settings, transport)
    async with kernel.database.unit(Scope(workspace_id=workspace_id)) as session:
        rows = await restorable.all_living(session, Integration, workspace_id)
        by_slug = {row.slug: row for row in rows}
        wanted = {offer.slug for offer in offers}
        for row in rows:
            if row.origin in OWN and row.slug not in wanted:
                row.deleted_at, row.sealed_credential = now(), None
        for offer in offers:
            await _take_up(session, workspace_id, offer, by_slug.get(offer.slug), kernel.vault)
    if offers:
        log.info("integrations_found", slugs=sorted(wanted))


async def _take_up(
    session: AsyncSession, workspace_id: UUID, offer: Offer, row: Integration | None, vault: Vault
) -> None:
    if row is not None and row.origin not in OWN:
        return  # a user made one by that name; theirs stands
    if row is None:
        row = Integration(
            id=new_id(),
            workspace_id=workspace_id,
            kind=offer.kind,
            slug=offer.slug,
            name=offer.name,
        )
        session.add(row)
    row.origin, row.base_url = offer.origin, offer.base_url
    if offer.api_key and row.fingerprint != vault.fingerprint(offer.api_key.strip()):
        write_credential(row, offer.api_key, vault)
        row.status, row.models_listed_at = "untested", None
