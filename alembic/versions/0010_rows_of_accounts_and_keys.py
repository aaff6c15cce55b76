"""Row-level security on what belongs to a person rather than to a workspace."""

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
    "user_sessions": f"user_id = {USER}",
    "refresh_tokens": f"session_id in (select id from user_sessions where user_id = {USER})",
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
