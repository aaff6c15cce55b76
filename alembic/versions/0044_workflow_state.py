"""What workflows keep between their runs, and workflows that were made of templates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import grant, protect

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

INSTANCES = "ai_template_instances"


def upgrade() -> None:
    _state()
    op.alter_column(INSTANCES, "agent_id", nullable=True)
    op.add_column(INSTANCES, sa.Column("workflow_id", sa.UUID(), nullable=True))
    op.create_index(f"ix_{INSTANCES}_workflow", INSTANCES, ["workflow_id"])


def _state() -> None:
    table, begin = "workflow_state", sa.text("now()")
    op.create_table(
        table,
        *(sa.Column(name, sa.UUID(), nullable=False) for name in ("id", "workspace_id")),
        sa.Column("workflow_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=begin, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=begin, nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
            )
            for column, target in (("workspace_id", "workspaces"), ("workflow_id", "workflows"))
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(f"uq_{table}_key", table, ["workflow_id", "key"], unique=True)
    for column in ("workspace_id", "user_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])
    grant(table)
    protect(table)


def downgrade() -> None:
    op.drop_index(f"ix_{INSTANCES}_workflow", INSTANCES)
    op.execute(sa.text(f"delete from {INSTANCES} where agent_id is null"))  # nosec B608 - a constant
    op.drop_column(INSTANCES, "workflow_id")
    op.alter_column(INSTANCES, "agent_id", nullable=False)
    op.drop_table("workflow_state")
