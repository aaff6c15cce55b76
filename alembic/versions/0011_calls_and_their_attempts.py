"""What a call was made for, by which route, at which attempt."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# With what the calls have that were made before.
GIVEN = (
    ("attempt", sa.Integer(), "1"),
    ("operation", sa.Text(), "'chat'"),
    ("tags", postgresql.JSONB(), "'[]'"),
    ("cache_status", sa.Text(), "'none'"),
)
OPTIONAL = (
    ("request_id", sa.UUID()),
    ("reference", sa.Text()),
    ("api_key_id", sa.UUID()),
    ("customer", sa.Text()),
    ("agent_id", sa.UUID()),
    ("conversation_id", sa.UUID()),
    ("route", sa.Text()),
    ("category", sa.Text()),
    ("dialect", sa.Text()),
    ("price", postgresql.JSONB()),
    ("reserved_usd", sa.Numeric(18, 9)),
    ("saved_usd", sa.Numeric(18, 9)),
)


def upgrade() -> None:
    for name, kind, value in GIVEN:
        column = sa.Column(name, kind, nullable=False, server_default=sa.text(value))
        op.add_column("model_calls", column)
        op.alter_column("model_calls", name, server_default=None)
    for name, kind in OPTIONAL:
        op.add_column("model_calls", sa.Column(name, kind, nullable=True))
    op.create_index(
        "ix_model_calls_key",
        "model_calls",
        ["api_key_id", "created_at"],
        postgresql_where=sa.text("api_key_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_model_calls_key", "model_calls")
    for name, *_ in (*GIVEN, *OPTIONAL):
        op.drop_column("model_calls", name)
