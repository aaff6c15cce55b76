"""Passages: what can be searched, and the vectors that are still to be removed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import grant, protect

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    op.create_table(
        "passages",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.UUID(), nullable=True),
        sa.Column("subject_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("created_by_id", sa.UUID(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("locator", postgresql.JSONB(), nullable=False),
        sa.Column("config", postgresql.REGCONFIG(), nullable=False),
        sa.Column(
            "lexemes",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector(config, title || ' ' || heading), 'A') || "
                "to_tsvector(config, text)",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("embedding_model", sa.Text(), nullable=True),
        sa.Column("space", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", moment, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_passages_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passages")),
    )
    op.create_index(
        "ix_passages_subject", "passages", ["workspace_id", "kind", "subject_id", "ordinal"]
    )
    op.create_index("ix_passages_parent", "passages", ["workspace_id", "parent_id", "id"])
    op.create_index(
        "ix_passages_due", "passages", ["due_at"], postgresql_where=sa.text("due_at is not null")
    )
    grant("passages")
    protect("passages")
    op.create_table(
        "vector_removals",
        sa.Column("passage_id", sa.UUID(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("due_at", moment, server_default=begin, nullable=False),
        sa.PrimaryKeyConstraint("passage_id", "space", name=op.f("pk_vector_removals")),
    )
    op.create_index("ix_vector_removals_due", "vector_removals", ["due_at"])
    grant("vector_removals")
    protect("vector_removals")
    # Whatever deletes a passage (a cascade included), its vector goes after it.
    op.execute("""
        create function luminous_remove_vector() returns trigger language plpgsql as $$
        begin
            if old.space is not null then
                insert into vector_removals (passage_id, space, workspace_id)
                values (old.id, old.space, old.workspace_id) on conflict do nothing;
            end if;
            return null;
        end $$
    """)
    op.execute(
        "create trigger passages_removed after delete on passages for each row "
        "execute function luminous_remove_vector()"
    )


def downgrade() -> None:
    op.drop_table("vector_removals")
    op.drop_table("passages")
    op.execute("drop function luminous_remove_vector()")
