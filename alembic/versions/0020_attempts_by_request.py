"""Find the attempts of a request by the id that its answer bears."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_model_calls_request", "model_calls", ["request_id"])


def downgrade() -> None:
    op.drop_index("ix_model_calls_request", table_name="model_calls")
