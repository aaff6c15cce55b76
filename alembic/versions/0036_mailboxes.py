"""Messages between agents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

WAITING = sa.text("status = 'waiting'")


def upgrade() -> None:
    _mailboxes()
    _messages()
    _rules()
    _subscriptions()
    _remote_agents()
    for table in ("mailboxes", "mailbox_rules", "mailbox_subscriptions", "a2a_agents"):
        count_versions(table)
    for table in (
        "mailboxes",
        "mailbox_messages",
        "mailbox_rules",
        "mailbox_subscriptions",
        "a2a_agents",
    ):
        grant(table)
        protect(table)


def _mailboxes() -> None:
    table = "mailboxes"
    op.create_table(
        table,
        *_begin(),
        sa.Column("user_id", sa.UUID(), nullable=True),
        _text("kind"),
        _text("address"),
        _json("tags"),
        _whole("capacity"),
        _whole("max_deliveries"),
        _whole("ttl_seconds"),
        _whole("ageing_seconds"),
        *_end(),
        *_references(table),
    )
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])
    op.create_index(f"uq_{table}_address", table, ["workspace_id", "address"], unique=True)
    op.create_index(f"ix_{table}_user_id", table, ["user_id"])


def _messages() -> None:
    table = "mailbox_messages"
    op.create_table(
        table,
        *_begin(),
        sa.Column("mailbox_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _text("sender"),
        _text("addressed_to"),
        _text("type"),
        _json("content"),
        _json("tags"),
        _whole("priority"),
        _moment("rank"),
        _text("correlation_id", nullable=True),
        _text("reply_to", nullable=True),
        sa.Column("in_reply_to_id", sa.UUID(), nullable=True),
        _text("dedup_id", nullable=True),
        _whole("hops"),
        _text("status"),
        _whole("deliveries"),
        _moment("available_at"),
        _moment("expires_at"),
        sa.Column("lease_id", sa.UUID(), nullable=True),
        _moment("leased_until", nullable=True),
        _text("dead_reason", nullable=True),
        _text("last_error", nullable=True),
        _moment("ended_at", nullable=True),
        sa.Column("run_id", sa.UUID(), nullable=True),
        sa.Column("reserved_usd", sa.Numeric(18, 9), nullable=True),
        *_times(),
        *_references(table, ("mailbox_id", "mailboxes")),
    )
    for name, columns, where in (
        ("waiting", ["mailbox_id", "rank", "position"], WAITING),
        ("pair", ["mailbox_id", "sender", "position"], WAITING),
        ("expiry", ["expires_at"], WAITING),
        ("list", ["mailbox_id", "status", "created_at", "id"], None),
        ("dedup", ["workspace_id", "sender", "dedup_id"], None),
        ("reply", ["in_reply_to_id"], None),
        ("run", ["run_id"], None),
        ("lease", ["mailbox_id", "lease_id"], None),
        ("ended", ["status", "ended_at"], None),
        ("user_id", ["user_id"], None),
    ):
        op.create_index(f"ix_{table}_{name}", table, columns, postgresql_where=where)


def _rules() -> None:
    table = "mailbox_rules"
    op.create_table(
        table,
        *_begin(),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        _text("name"),
        _whole("position"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        _json("condition"),
        _json("action"),
        *_end(),
        *_references(table),
    )
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])


def _subscriptions() -> None:
    table = "mailbox_subscriptions"
    op.create_table(
        table,
        *_begin(),
        sa.Column("mailbox_id", sa.UUID(), nullable=False),
        _text("address"),
        sa.Column("agent_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        _json("caller"),
        _text("label", nullable=True),
        _whole("concurrency"),
        sa.Column("budget_usd_per_day", sa.Numeric(18, 9), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        _text("paused_reason", nullable=True),
        sa.Column("spent_on", sa.Date(), nullable=True),
        sa.Column("spent_usd", sa.Numeric(18, 9), nullable=False),
        *_end(),
        *_references(table, ("mailbox_id", "mailboxes")),
    )
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])
    op.create_index(
        f"uq_{table}_mailbox",
        table,
        ["mailbox_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_index(f"ix_{table}_user_id", table, ["user_id"])


def _remote_agents() -> None:
    """Agents of other services that speak A2A."""
    table = "a2a_agents"
    op.create_table(
        table,
        *_begin(),
        _text("slug"),
        _text("name"),
        _text("description"),
        _text("card_url"),
        _json("card"),
        _moment("card_at"),
        _text("credential", nullable=True),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        *_end(),
        *_references(table),
    )
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])
    op.create_index(
        f"uq_{table}_slug",
        table,
        ["workspace_id", "slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )


def _begin() -> tuple[sa.Column, ...]:
    return tuple(sa.Column(name, sa.UUID(), nullable=False) for name in ("id", "workspace_id"))


def _text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _whole(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False)


def _json(name: str) -> sa.Column:
    return sa.Column(name, postgresql.JSONB(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _times() -> tuple[sa.Column, ...]:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    return (
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
    )


def _end() -> tuple[sa.Column, ...]:
    return (
        _moment("deleted_at", nullable=True),
        *_times(),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
    )


def _references(table: str, *more: tuple[str, str]) -> tuple[sa.Constraint, ...]:
    return (
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
            )
            for column, target in (("workspace_id", "workspaces"), *more)
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def downgrade() -> None:
    for table in (
        "a2a_agents",
        "mailbox_subscriptions",
        "mailbox_rules",
        "mailbox_messages",
        "mailboxes",
    ):
        op.drop_table(table)
