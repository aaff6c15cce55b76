"""Rules and subscriptions in Postgres, as lists."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.mailbox.agents_crud import by_seen_agent
from app.agents.mailbox.models import MailboxRule, MailboxSubscription
from app.agents.mailbox.rule_schemas import MailboxRuleQuery
from app.agents.mailbox.subscription_schemas import MailboxSubscriptionQuery
from app.core import restorable
from app.core.paging import Cursors, Slice


async def add(session: AsyncSession, rule: MailboxRule) -> None:
    session.add(rule)
    await session.flush()


async def page(
    session: AsyncSession, workspace_id: UUID, query: MailboxRuleQuery, cursors: Cursors
) -> Slice[MailboxRule]:
    """Newest first."""
    wanted = [] if query.enabled is None else [MailboxRule.enabled.is_(query.enabled)]
    return await restorable.page(session, MailboxRule, workspace_id, query, cursors, *wanted)


async def subscriptions(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    query: MailboxSubscriptionQuery,
    cursors: Cursors,
) -> Slice[MailboxSubscription]:
    """Of agents that a member sees, newest first."""
    wanted = [by_seen_agent(workspace_id, user_id)]
    if query.paused is not None:
        wanted.append(MailboxSubscription.paused.is_(query.paused))
    return await restorable.page(
        session, MailboxSubscription, workspace_id, query, cursors, *wanted
    )


async def subscription(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    subscription_id: UUID,
    *,
    for_update: bool,
) -> MailboxSubscription | None:
    """One of an agent that a member sees, a deleted one included."""
    statement = select(MailboxSubscription).where(
        MailboxSubscription.workspace_id == workspace_id,
        MailboxSubscription.id == subscription_id,
        by_seen_agent(workspace_id, user_id),
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()
