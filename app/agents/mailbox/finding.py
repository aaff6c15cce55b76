"""Addresses as mailboxes: whose they are, and who may do what with them."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from app.agents.mailbox import crud
from app.agents.mailbox.addresses import Address, of_agent, parse, tag_of
from app.agents.mailbox.errors import MailboxNotFound, MailboxNotYours
from app.agents.mailbox.models import Mailbox
from app.core.auth import Access
from app.core.db import AsyncSession
from app.identity.members import service as members

MOST_RECIPIENTS = 200


class AgentDirectory(Protocol):
    """The agents of a workspace."""

    async def find(self, session: AsyncSession, access: Access, name: str) -> UUID | None:
        """The id of an agent that the caller sees, by its slug or id."""
        ...


async def canonical(
    session: AsyncSession, agents: AgentDirectory, access: Access, text: str
) -> Address | None:
    """The address with an agent's id for its slug; None for one that nobody here has."""
    address = parse(text)
    if address is None:
        return None
    if address.kind == "agent":
        agent_id = await agents.find(session, access, address.name)
        return parse(of_agent(agent_id)) if agent_id else None
    if address.kind == "user":
        user_id = address.id
        known = user_id and await members.is_member(session, access.workspace_id, user_id)
        return address if known else None
    return address


async def reachable(
    session: AsyncSession, agents: AgentDirectory, access: Access, text: str
) -> Mailbox | None:
    """The mailbox of an address; agents and members have one as soon as it is needed."""
    address = await canonical(session, agents, access, text)
    if address is None:
        return None
    if address.kind == "service":
        found = await crud.find(session, access.workspace_id, str(address))
        return found if found is not None and found.deleted_at is None else None
    user_id = address.id if address.kind == "user" else None
    return await crud.ensure(session, access.workspace_id, address.kind, str(address), user_id)


async def reached(
    session: AsyncSession, agents: AgentDirectory, access: Access, target: str
) -> Sequence[Mailbox]:
    """The mailboxes of an address or of `tag:<tag>`; none where there is none."""
    tag = tag_of(target)
    if tag is not None:
        return await crud.tagged(session, access.workspace_id, tag, MOST_RECIPIENTS)
    found = await reachable(session, agents, access, target)
    return () if found is None else (found,)


async def own(session: AsyncSession, agents: AgentDirectory, access: Access, text: str) -> Mailbox:
    """One whose messages the caller may read and change.

    Raises MailboxNotFound, and MailboxNotYours for another member's.
    """
    found = await reachable(session, agents, access, text)
    if found is None:
        raise MailboxNotFound
    expect_own(access, found.user_id)
    return found


def expect_own(access: Access, user_id: UUID | None) -> None:
    """Raise MailboxNotYours for the mailbox of another member."""
    if user_id is not None and user_id != access.user_id:
        raise MailboxNotYours
