"""What a conversation draws on of memory, and summaries of what is too long for a prompt."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

COLUMNS = (
    ("conversations", "memory"),
    ("conversations", "compaction"),
    ("messages", "summary"),
)


def upgrade() -> None:
    for table, name in COLUMNS:
        op.add_column(table, sa.Column(name, postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    for table, name in reversed(COLUMNS):
        op.drop_column(table, name)
