"""Which route a message was answered by, and where other models took it over."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("route", sa.Text()))
    op.add_column(
        "messages",
        sa.Column("seams", postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'")),
    )
    op.alter_column("messages", "seams", server_default=None)


def downgrade() -> None:
    op.drop_column("messages", "seams")
    op.drop_column("messages", "route")
