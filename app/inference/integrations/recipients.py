"""Who receives a workspace's data: the model providers that it is connected to."""

from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import UUID

from app.core import restorable
from app.core.db import AsyncSession
from app.inference.integrations.models import Integration
from app.inference.providers.registry import KINDS
from app.oversight.privacy.privacy import Recipient

PURPOSE = "answer what people ask of language models"


async def recipients(session: AsyncSession, workspace_id: UUID) -> Sequence[Recipient]:
    """The enabled integrations, for the register of processing."""
    found = await restorable.all_living(session, Integration, workspace_id)
    return [_recipient(integration) for integration in found if integration.enabled]


def _recipient(integration: Integration) -> Recipient:
    kind = KINDS.get(integration.kind)
    address = integration.base_url or (kind.base_url if kind else None) or ""
    label = kind.label if kind else integration.kind
    return Recipient(label, PURPOSE, urlsplit(address).hostname or "this service")
