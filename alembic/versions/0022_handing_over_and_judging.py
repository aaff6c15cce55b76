"""Whether a batch's lines are being let in for a provider's own API; judgements by message."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    begun = sa.Column("handing_over", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("batches", begun)
    op.alter_column("batches", "handing_over", server_default=None)
    op.create_index("ix_feedback_message", "feedback", ["message_id"])


def downgrade() -> None:
    op.drop_index("ix_feedback_message", table_name="feedback")
    op.drop_column("batches", "handing_over")
