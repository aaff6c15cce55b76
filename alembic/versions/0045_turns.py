"""What finds the events and deliveries of each workspace that are due, so that they take turns."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

BEFORE = {"outbox_events": ["due_at", "id"], "workflow_deliveries": ["due_at"]}


def upgrade() -> None:
    for table in BEFORE:
        columns = ["workspace_id", "due_at", "id"]
        pending = sa.text("status = 'pending'")
        op.create_index(f"ix_{table}_turn", table, columns, postgresql_where=pending)
        op.drop_index(f"ix_{table}_due", table)


def downgrade() -> None:
    for table, columns in BEFORE.items():
        pending = sa.text("status = 'pending'")
        op.create_index(f"ix_{table}_due", table, columns, postgresql_where=pending)
        op.drop_index(f"ix_{table}_turn", table)
