"""What happened, for the rooms above to hear of, and what starts workflows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _events()
    _triggers()
    _deliveries()
    count_versions("workflow_triggers", unless_changed="moved_at")
    for table in ("outbox_events", "workflow_triggers", "workflow_deliveries"):
        grant(table)
        protect(table)


def _events() -> None:
    table = "outbox_events"
    op.create_table(
        table,
        *_begin(),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.UUID(), nullable=True),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("delivered_to", postgresql.JSONB(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        *_end(table),
    )
    op.create_index(
        f"ix_{table}_due", table, ["due_at", "id"], postgresql_where=sa.text("status = 'pending'")
    )
    for column in ("created_at", "workspace_id", "user_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])


def _triggers() -> None:
    table = "workflow_triggers"
    on = "enabled and deleted_at is null and kind = "
    op.create_table(
        table,
        *_begin(),
        sa.Column("workflow_id", sa.UUID(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("caller", postgresql.JSONB(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=True),
        sa.Column("inputs", postgresql.JSONB(), nullable=True),
        sa.Column("workflow_version", sa.Integer(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("token_number", sa.Integer(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_previous", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", MOMENT, nullable=True),
        sa.Column("scheduled_at", MOMENT, nullable=True),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("last_fired_at", MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("max_failures", sa.Integer(), nullable=False),
        sa.Column("moved_at", MOMENT, nullable=True),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *_end(table),
        _to(table, "workflow_id", "workflows"),
    )
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])
    for column in ("workflow_id", "owner_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_index(f"ix_{table}_due", table, ["next_at"], postgresql_where=sa.text(f"{on}'cron'"))
    op.create_index(
        f"ix_{table}_event",
        table,
        ["workspace_id", "event_type"],
        postgresql_where=sa.text(f"{on}'event'"),
    )


def _deliveries() -> None:
    table = "workflow_deliveries"
    op.create_table(
        table,
        *_begin(),
        sa.Column("trigger_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("event", postgresql.JSONB(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        *_end(table),
        _to(table, "trigger_id", "workflow_triggers"),
    )
    op.create_index(f"uq_{table}_key", table, ["trigger_id", "key"], unique=True)
    op.create_index(f"ix_{table}_list", table, ["trigger_id", "created_at", "id"])
    op.create_index(
        f"ix_{table}_due", table, ["due_at"], postgresql_where=sa.text("status = 'pending'")
    )
    for column in ("run_id", "workspace_id", "user_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])


def _begin() -> tuple[sa.Column, ...]:
    return tuple(sa.Column(name, sa.UUID(), nullable=False) for name in ("id", "workspace_id"))


def _end(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    begin = sa.text("now()")
    return (
        sa.Column("created_at", MOMENT, server_default=begin, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=begin, nullable=False),
        _to(table, "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _to(table: str, column: str, target: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
    )


def downgrade() -> None:
    op.drop_table("workflow_deliveries")
    op.drop_table("workflow_triggers")
    op.drop_table("outbox_events")
