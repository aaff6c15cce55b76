"""Addresses as mailboxes: whose they are, and who may do what with them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol
from uuid import UUID

from app.agents.mailbox import crud
from app.agents.mailbox.addresses import Address, of_agent, parse, tag_of
from app.agents.mailbox.errors import GroupTooLarge, MailboxNotFound, MailboxNotYours
from app.agents.mailbox.models import Mailbox, MailboxRule
from app.core.auth import Access
from app.core.db import AsyncSession
from app.identity.members import service as members

MOST_RECIPIENTS: Final = 200
# Whose rules those of people who are gone are: they see what everyone sees.
NOBODY: Final = UUID(int=0)


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
        return await living(session, access, str(address))
    user_id = address.id if address.kind == "user" else None
    return await crud.ensure(session, access.workspace_id, address.kind, str(address), user_id)


async def living(session: AsyncSession, access: Access, address: str) -> Mailbox | None:
    """The mailbox of a canonical address, if there is one by now, whoever sees its owner."""
    found = await crud.find(session, access.workspace_id, address)
    return found if found is not None and found.deleted_at is None else None


async def group(session: AsyncSession, access: Access, tag: str) -> Sequence[Mailbox]:
    """The mailboxes with a tag that the caller can send to; raises GroupTooLarge."""
    found = await crud.tagged(
        session, access.workspace_id, access.user_id, tag, MOST_RECIPIENTS + 1
    )
    if len(found) > MOST_RECIPIENTS:
        raise GroupTooLarge(f"A message reaches at most {MOST_RECIPIENTS}; `{tag}` has more.")
    return [each for each in found if await _is_of_member(session, each)]


async def has_say(
    session: AsyncSession, agents: AgentDirectory, access: Access, rule: MailboxRule, of: Mailbox
) -> bool:
    """Whether a rule holds for a mailbox: of a member only one's own, of an agent that one sees.

    So nobody has another's mail led to where they read it themselves.
    """
    author = rule.created_by_id or NOBODY
    if of.user_id is not None:
        return of.user_id == author
    address = parse(of.address)
    if address is None or address.kind != "agent":
        return True
    return await agents.find(session, replace(access, user_id=author), address.name) is not None


async def reached(
    session: AsyncSession, agents: AgentDirectory, access: Access, target: str
) -> Sequence[Mailbox]:
    """The mailboxes of an address or of `tag:<tag>`; none where there is none.

    Raises GroupTooLarge.
    """
    tag = tag_of(target)
    if tag is not None:
        return await group(session, access, tag)
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


async def _is_of_member(session: AsyncSession, mailbox: Mailbox) -> bool:
    """Not one of a person who has left the workspace."""
    user_id = mailbox.user_id
    return user_id is None or await members.is_member(session, mailbox.workspace_id, user_id)
