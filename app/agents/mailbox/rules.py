"""Rules: what members of a workspace do with them."""

from typing import Any
from uuid import UUID

from app.agents.mailbox import finding, rules_crud
from app.agents.mailbox.addresses import tag_of
from app.agents.mailbox.errors import MailboxRuleNotFound, TooManyRules
from app.agents.mailbox.models import MailboxRule
from app.agents.mailbox.room import Mailroom
from app.agents.mailbox.rule_schemas import MailboxRuleCreate, MailboxRuleQuery, MailboxRuleUpdate
from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match

MOST_RULES = 200


async def create(
    session: AsyncSession, room: Mailroom, access: Access, new: MailboxRuleCreate
) -> MailboxRule:
    """Raises TooManyRules."""
    await _expect_room(session, access)
    told = new.model_dump(mode="json")
    rule = MailboxRule(
        id=new_id(),
        workspace_id=access.workspace_id,
        created_by_id=access.user_id,
        **await _canonical(session, room, access, told),
    )
    await rules_crud.add(session, rule)
    return rule


async def page(
    session: AsyncSession, access: Access, query: MailboxRuleQuery, cursors: Cursors
) -> Slice[MailboxRule]:
    return await rules_crud.page(session, access.workspace_id, query, cursors)


async def get(
    session: AsyncSession, access: Access, rule_id: UUID, *, for_update: bool = False
) -> MailboxRule:
    """Raises MailboxRuleNotFound."""
    found = await restorable.find(
        session, MailboxRule, access.workspace_id, rule_id, for_update=for_update
    )
    if found is None or found.deleted_at is not None:
        raise MailboxRuleNotFound
    return found


async def update(
    session: AsyncSession,
    room: Mailroom,
    access: Access,
    rule_id: UUID,
    change: MailboxRuleUpdate,
) -> MailboxRule:
    """From then on it is the rule of whoever changed it."""
    rule = await get(session, access, rule_id, for_update=True)
    await match(session, rule)
    given = await _canonical(session, room, access, change.given())
    for name, value in given.items():
        setattr(rule, name, value)
    rule.created_by_id = access.user_id
    await session.flush()
    await session.refresh(rule)
    return rule


async def delete(session: AsyncSession, access: Access, rule_id: UUID) -> None:
    rule = await get(session, access, rule_id, for_update=True)
    await match(session, rule)
    rule.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, rule_id: UUID) -> MailboxRule:
    """Raises MailboxRuleNotFound, TooManyRules and RestoreExpired."""
    found = await restorable.find(
        session, MailboxRule, access.workspace_id, rule_id, for_update=True
    )
    if found is None:
        raise MailboxRuleNotFound
    if found.deleted_at is not None:
        await _expect_room(session, access)
        found.created_by_id = access.user_id
    await restorable.bring_back(session, found)
    return found


async def _expect_room(session: AsyncSession, access: Access) -> None:
    if await restorable.count_living(session, MailboxRule, access.workspace_id) >= MOST_RULES:
        raise TooManyRules(f"A workspace has at most {MOST_RULES}; delete some.")


async def _canonical(
    session: AsyncSession, room: Mailroom, access: Access, told: dict[str, Any]
) -> dict[str, Any]:
    """A rule with an agent's id for its slug, where there is one: as messages name it."""
    for part in ("condition", "action"):
        to = (told.get(part) or {}).get("to")
        if to is None or tag_of(to) is not None:
            continue
        address = await finding.canonical(session, room.agents, access, to)
        if address is not None:
            told[part] = {**told[part], "to": str(address)}
    return told
