"""Rules and subscriptions in Postgres, as lists."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

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
    query: MailboxSubscriptionQuery,
    cursors: Cursors,
) -> Slice[MailboxSubscription]:
    """Newest first."""
    wanted = [] if query.paused is None else [MailboxSubscription.paused.is_(query.paused)]
    return await restorable.page(
        session, MailboxSubscription, workspace_id, query, cursors, *wanted
    )
