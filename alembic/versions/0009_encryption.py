"""Rotation of the keys that seal secrets."""

import sqlalchemy as sa
from alembic import op

from app.core.migration_ops import grant, protect

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "root_secrets",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_root_secrets")),
    )
    grant("root_secrets")
    protect("root_secrets", "false")
    # An installation that has signed tokens goes on with the keys derived from its master key:
    # the service seals that one into this row at its next start.
    op.execute("""
        insert into root_secrets (id) select gen_random_uuid()
        where exists (select from signing_keys)
    """)
    # To seal a value anew with another master key is no change of the resource.
    op.execute("""
        create or replace function luminous_count_version() returns trigger language plpgsql as $$
        begin
            if coalesce(current_setting('luminous.resealing', true), '') <> 'on' then
                new.version := old.version + 1;
            end if;
            return new;
        end $$
    """)


def downgrade() -> None:
    op.execute("""
        create or replace function luminous_count_version() returns trigger language plpgsql as $$
        begin
            new.version := old.version + 1;
            return new;
        end $$
    """)
    op.drop_table("root_secrets")
