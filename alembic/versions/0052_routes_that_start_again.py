"""An adaptive route counts how often it was told to start again."""

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table ai_routes add column generation integer not null default 0")


def downgrade() -> None:
    op.execute("alter table ai_routes drop column generation")
