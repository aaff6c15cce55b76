"""What a conversation draws its knowledge from, what answers cited, and messages as passages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    empty = sa.text("'[]'::jsonb")
    op.add_column(
        "conversations",
        sa.Column("collections", postgresql.JSONB(), server_default=empty, nullable=False),
    )
    op.add_column("conversations", sa.Column("dictionaries", postgresql.JSONB(), nullable=True))
    for name in ("sources", "violations"):
        op.add_column(
            "messages", sa.Column(name, postgresql.JSONB(), server_default=empty, nullable=False)
        )
    op.add_column("messages", sa.Column("indexed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_messages_unindexed",
        "messages",
        ["updated_at"],
        postgresql_where=sa.text("indexed_at is null and status <> 'streaming'"),
    )
    # Without it each message that is deleted has its answers looked for among all messages.
    op.create_index("ix_messages_parent_id", "messages", ["parent_id"])
    # Whatever deletes a message (retention, an erasure, a cascade), nobody finds it any more.
    op.execute("""
        create function luminous_forget_message() returns trigger language plpgsql as $$
        begin
            delete from passages where workspace_id = old.workspace_id
            and kind = 'message' and subject_id = old.id;
            return null;
        end $$
    """)
    op.execute(
        "create trigger messages_forgotten after delete on messages for each row "
        "execute function luminous_forget_message()"
    )


def downgrade() -> None:
    op.execute("drop trigger messages_forgotten on messages")
    op.execute("drop function luminous_forget_message()")
    op.drop_index("ix_messages_parent_id", table_name="messages")
    op.drop_index("ix_messages_unindexed", table_name="messages")
    for table, name in (
        ("messages", "indexed_at"),
        ("messages", "violations"),
        ("messages", "sources"),
        ("conversations", "dictionaries"),
        ("conversations", "collections"),
    ):
        op.drop_column(table, name)
