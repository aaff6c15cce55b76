"""Mailboxes, their messages, the rules by which these are delivered, and who answers them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Row
from app.core.restorable import Restorable


class Mailbox(Restorable):
    """Where messages for an agent, a member (`user_id`) or a program wait.

    `capacity` bounds the waiting messages. A message that was delivered `max_deliveries` times, or
    was not acknowledged within `ttl_seconds`, is dead. Each `ageing_seconds` of waiting count as
    one more point of priority.
    """

    __tablename__ = "mailboxes"
    __table_args__ = (
        Index("ix_mailboxes_list", "workspace_id", "created_at", "id"),
        Index("uq_mailboxes_address", "workspace_id", "address", unique=True),
        Index("ix_mailboxes_user_id", "user_id"),
    )
    __handling__ = Handling("keep messages until they are read", subject="user_id")

    # Counted where a mailbox is shown; see `crud.count_into`.
    __allow_unmapped__ = True
    depth = 0
    leased = 0
    dead = 0
    oldest_at: datetime | None = None

    user_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(info=plain())
    address: Mapped[str] = mapped_column(info=plain())
    tags: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    capacity: Mapped[int] = mapped_column(default=10_000)
    max_deliveries: Mapped[int] = mapped_column(default=5)
    ttl_seconds: Mapped[int] = mapped_column(default=604_800)
    ageing_seconds: Mapped[int] = mapped_column(default=60)


class MailboxMessage(Row):
    """A message in a mailbox. `status`: waiting, acked, dead or dropped.

    `position` is the order in which messages were accepted; `rank` is when a message of priority 0
    would have begun to wait to be as urgent as this one: the smallest goes first. It is delivered
    while `leased_until` is in the future, to whoever has `lease_id`. `addressed_to` is where it was
    sent, before any rule. `hops` counts the rules and the answers behind it, and `runs_behind` the
    runs of workflows. `run_id` is the run that answers it, and `reserved_usd` what that may cost.
    """

    __tablename__ = "mailbox_messages"
    __table_args__ = (
        Index(
            "ix_mailbox_messages_waiting",
            "mailbox_id",
            "rank",
            "position",
            postgresql_where=text("status = 'waiting'"),
        ),
        Index(
            "ix_mailbox_messages_pair",
            "mailbox_id",
            "sender",
            "position",
            postgresql_where=text("status = 'waiting'"),
        ),
        Index(
            "ix_mailbox_messages_expiry",
            "expires_at",
            postgresql_where=text("status = 'waiting'"),
        ),
        Index("ix_mailbox_messages_list", "mailbox_id", "status", "created_at", "id"),
        Index("ix_mailbox_messages_dedup", "workspace_id", "sender", "dedup_id"),
        Index("ix_mailbox_messages_reply", "in_reply_to_id"),
        Index("ix_mailbox_messages_run", "run_id"),
        Index("ix_mailbox_messages_lease", "mailbox_id", "lease_id"),
        Index("ix_mailbox_messages_ended", "status", "ended_at"),
        Index("ix_mailbox_messages_user_id", "user_id"),
    )
    __handling__ = Handling("bring a message to whom it is for", subject="user_id", audited=False)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey("mailboxes.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    sender: Mapped[str] = mapped_column(info=plain())
    addressed_to: Mapped[str] = mapped_column(info=plain())
    type: Mapped[str] = mapped_column(default="message", info=plain())
    content: Mapped[Any] = mapped_column(JSONB, nullable=False, info=personal(Category.CONTENT))
    tags: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    priority: Mapped[int] = mapped_column(default=0)
    rank: Mapped[datetime]
    correlation_id: Mapped[str | None] = mapped_column(info=plain())
    reply_to: Mapped[str | None] = mapped_column(info=plain())
    in_reply_to_id: Mapped[UUID | None]
    dedup_id: Mapped[str | None] = mapped_column(info=plain())
    hops: Mapped[int] = mapped_column(default=0)
    runs_behind: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    status: Mapped[str] = mapped_column(default="waiting", info=plain())
    deliveries: Mapped[int] = mapped_column(default=0)
    available_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    lease_id: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]
    dead_reason: Mapped[str | None] = mapped_column(info=plain())
    last_error: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
    ended_at: Mapped[datetime | None]
    run_id: Mapped[UUID | None]
    reserved_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))


class MailboxRule(Restorable):
    """What becomes of messages that satisfy `condition`; rules hold in the order of `position`.

    `created_by_id` is who wrote it as it is: it holds for what they may have a say in.
    """

    __tablename__ = "mailbox_rules"
    __table_args__ = (Index("ix_mailbox_rules_list", "workspace_id", "created_at", "id"),)
    __handling__ = Handling(
        "deliver messages as a workspace wants it",
        subject="created_by_id",
        erase="clear",
        reason="a team's rule outlives who wrote it",
    )

    created_by_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(info=plain())
    position: Mapped[int] = mapped_column(default=0)
    enabled: Mapped[bool] = mapped_column(default=True)
    condition: Mapped[dict[str, Any]] = mapped_column(info=plain())
    action: Mapped[dict[str, Any]] = mapped_column(info=plain())


class MailboxSubscription(Restorable):
    """An agent that answers what comes to its mailbox, on behalf of `user_id`.

    `caller` is what is remembered of the credential that set it up. `spent_usd` is what its runs
    cost on the day `spent_on` (UTC). It answers nothing while it is `paused`.
    """

    __tablename__ = "mailbox_subscriptions"
    __table_args__ = (
        Index("ix_mailbox_subscriptions_list", "workspace_id", "created_at", "id"),
        Index(
            "uq_mailbox_subscriptions_mailbox",
            "mailbox_id",
            unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
        Index("ix_mailbox_subscriptions_user_id", "user_id"),
    )
    __handling__ = Handling("have agents answer messages", subject="user_id")

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey("mailboxes.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(info=plain())
    agent_id: Mapped[UUID]
    user_id: Mapped[UUID]
    caller: Mapped[dict[str, Any]] = mapped_column(info=plain())
    label: Mapped[str | None] = mapped_column(info=plain())
    concurrency: Mapped[int] = mapped_column(default=1)
    budget_usd_per_day: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    paused: Mapped[bool] = mapped_column(default=False)
    paused_reason: Mapped[str | None] = mapped_column(info=plain())
    spent_on: Mapped[date | None]
    spent_usd: Mapped[Decimal] = mapped_column(Numeric(18, 9), default=Decimal(0))
