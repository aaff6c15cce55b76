"""Row-level security on accounts and signing keys."""

from alembic import op

from app.core.migration_ops import USER, WORKSPACE, protect

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

RULES = {
    "users": (
        f"id = {USER} or id in (select user_id from memberships where workspace_id = {WORKSPACE})"
    ),
    "signing_keys": "false",
}


def upgrade() -> None:
    for table, rule in RULES.items():
        protect(table, rule)


def downgrade() -> None:
    for table in RULES:
        op.execute(f"drop policy {table}_tenant on {table}")
        op.execute(f"alter table {table} no force row level security")
        op.execute(f"alter table {table} disable row level security")
