"""What members of a workspace do with agents of other services."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from yarl import URL

from app.agents.a2a import remote_crud
from app.agents.a2a.errors import A2aAgentNotFound, CardUnusable, TooManyA2aAgents
from app.agents.a2a.models import A2aAgent
from app.agents.a2a.path import CARD
from app.agents.a2a.schemas import (
    A2aAgentCreate,
    A2aAgentQuery,
    A2aAgentRead,
    A2aAgentUpdate,
)
from app.agents.a2a.source import A2aSource
from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match

MOST_AGENTS = 200


@dataclass(frozen=True, slots=True)
class Card:
    """A card that was read, and where."""

    url: str
    told: dict[str, Any]


async def read(source: A2aSource, access: Access, url: str, credential: str | None) -> Card:
    """Read a card, of a host alone at its usual place; holds no session.

    Raises CardUnusable, ToolCredentialNotFound and ToolCredentialUnusable.
    """
    from app.agents.a2a.asking import read_card  # noqa: PLC0415 - it loads the SDK

    try:
        parsed = URL(url)
    except ValueError as error:
        raise CardUnusable("This is no URL.") from error
    if parsed.path in ("", "/"):
        url = str(parsed.with_path(CARD))
    held = await source.credentials.find(access, credential) if credential else None
    return Card(url, await read_card(source.outbound, url, held))


async def create(
    session: AsyncSession, access: Access, new: A2aAgentCreate, card: Card
) -> A2aAgent:
    """Raises TooManyA2aAgents and A2aAgentSlugTaken."""
    await _expect_room(session, access)
    agent = A2aAgent(
        id=new_id(),
        workspace_id=access.workspace_id,
        slug=new.slug,
        name=new.name or str(card.told.get("name"))[:200],
        credential=new.credential,
        trusted=new.trusted,
    )
    _take(agent, card)
    await remote_crud.save(session, agent)
    return agent


async def page(
    session: AsyncSession, access: Access, query: A2aAgentQuery, cursors: Cursors
) -> Slice[A2aAgent]:
    return await remote_crud.page(session, access.workspace_id, query, cursors)


async def get(
    session: AsyncSession, access: Access, agent_id: UUID, *, for_update: bool = False
) -> A2aAgent:
    """Raises A2aAgentNotFound."""
    found = await restorable.find(
        session, A2aAgent, access.workspace_id, agent_id, for_update=for_update
    )
    if found is None or found.deleted_at is not None:
        raise A2aAgentNotFound
    return found


async def update(
    session: AsyncSession, access: Access, agent_id: UUID, change: A2aAgentUpdate
) -> A2aAgent:
    """Raises A2aAgentNotFound and A2aAgentSlugTaken."""
    agent = await get(session, access, agent_id, for_update=True)
    await match(session, agent)
    for name, value in change.given().items():
        setattr(agent, name, value)
    await remote_crud.save(session, agent)
    await session.refresh(agent)
    return agent


async def refresh(session: AsyncSession, access: Access, agent_id: UUID, card: Card) -> A2aAgent:
    """Keep the card as it is now; one whose address has changed is trusted no more."""
    agent = await get(session, access, agent_id, for_update=True)
    before = agent.card.get("supportedInterfaces")
    _take(agent, card)
    if agent.card.get("supportedInterfaces") != before:
        agent.trusted = False
    await session.flush()
    await session.refresh(agent)
    return agent


async def delete(session: AsyncSession, access: Access, agent_id: UUID) -> None:
    agent = await get(session, access, agent_id, for_update=True)
    await match(session, agent)
    agent.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, agent_id: UUID) -> A2aAgent:
    """Raises A2aAgentNotFound, A2aAgentSlugTaken, TooManyA2aAgents and RestoreExpired."""
    found = await restorable.find(session, A2aAgent, access.workspace_id, agent_id, for_update=True)
    if found is None:
        raise A2aAgentNotFound
    restorable.expect_restorable(found)
    if found.deleted_at is not None:
        await _expect_room(session, access)
        found.deleted_at = None
        await remote_crud.save(session, found)
        await session.refresh(found)
    return found


def shown(agent: A2aAgent) -> A2aAgentRead:
    interfaces = agent.card.get("supportedInterfaces") or [{}]
    skills = [
        {name: str(each.get(name, "")) for name in ("id", "name", "description")}
        for each in agent.card.get("skills") or ()
    ]
    own = {
        name: getattr(agent, name)
        for name in A2aAgentRead.model_fields
        if name not in ("url", "skills")
    }
    return A2aAgentRead.model_validate(
        {**own, "url": str(interfaces[0].get("url", "")), "skills": skills[:100]}
    )


def _take(agent: A2aAgent, card: Card) -> None:
    agent.card_url, agent.card, agent.card_at = card.url, card.told, now()
    agent.description = str(card.told.get("description") or "")[:2000]


async def _expect_room(session: AsyncSession, access: Access) -> None:
    if await restorable.count_living(session, A2aAgent, access.workspace_id) >= MOST_AGENTS:
        raise TooManyA2aAgents(f"A workspace has at most {MOST_AGENTS}; delete some.")
