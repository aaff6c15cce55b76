"""What an erased person made or decided stays with nobody's id."""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

NAMING = (
    ("document_versions", "created_by_id"),
    ("graph_merges", "user_id"),
    ("graph_schemas", "owner_id"),
)
NOBODY = "00000000-0000-0000-0000-000000000000"


def upgrade() -> None:
    for table, column in NAMING:
        op.alter_column(table, column, nullable=True)


def downgrade() -> None:
    # The owner of the tables sees what their policies let it see, unless it is a superuser.
    op.execute("select set_config('luminous.system', 'on', true)")
    for table, column in NAMING:
        op.execute(f"update {table} set {column} = '{NOBODY}' where {column} is null")
        op.alter_column(table, column, nullable=False)
    op.execute("select set_config('luminous.system', '', true)")
