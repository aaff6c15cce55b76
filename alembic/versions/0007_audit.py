"""The audit trail: rows that the service appends by one function and cannot change or delete."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.db import APP_ROLE
from app.core.migration_ops import grant, protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# `rows` is a JSON array in the order in which its chains are to be locked. Each row comes with
# the digest of its content; the function counts it and links it to the row before. The owner of
# the function may write to the chain of any workspace; its caller keeps its own scope.
APPEND = """
    create function luminous_append_audit(rows text) returns void
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
    declare
        scope text := coalesce(current_setting('luminous.system', true), '');
        entry record;
        link audit_chains%rowtype;
    begin
        perform set_config('luminous.system', 'on', true);
        for entry in
            select * from json_to_recordset(rows::json) as given (
                id uuid, workspace_id uuid, at timestamptz, actor_id uuid, credential text,
                credential_id uuid, action text, operation text, resource_type text,
                resource_id text, outcome text, request_id text, changes json, commitments json,
                erasable jsonb, subject_ids uuid[], digest text
            )
        loop
            insert into audit_chains as chain (workspace_id, count, head) values (
                entry.workspace_id, 1, sha256(
                    'luminous-audit-1'::bytea || uuid_send(entry.workspace_id)
                    || decode(repeat('00', 32), 'hex') || int8send(1::bigint)
                    || decode(entry.digest, 'hex')
                )
            )
            on conflict (workspace_id) do update set count = chain.count + 1, head = sha256(
                'luminous-audit-1'::bytea || uuid_send(chain.workspace_id)
                || chain.head || int8send(chain.count + 1) || decode(entry.digest, 'hex')
            )
            returning * into link;
            insert into audit_logs (
                id, workspace_id, sequence, at, actor_id, credential, credential_id, action,
                operation, resource_type, resource_id, outcome, request_id, changes, commitments,
                erasable, subject_ids, hash
            ) values (
                entry.id, entry.workspace_id, link.count, entry.at, entry.actor_id,
                entry.credential, entry.credential_id, entry.action, entry.operation,
                entry.resource_type, entry.resource_id, entry.outcome, entry.request_id,
                entry.changes, entry.commitments, entry.erasable, entry.subject_ids, link.head
            );
        end loop;
        perform set_config('luminous.system', scope, true);
    end $$
"""

# Deletes only what a prune checkpoint stands for, and the checkpoints it no longer counts.
PRUNE = """
    create function luminous_prune_audit(checkpoint uuid) returns bigint
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
    declare
        licence audit_checkpoints%rowtype;
        scope text := coalesce(current_setting('luminous.system', true), '');
        gone bigint;
    begin
        perform set_config('luminous.system', 'on', true);
        select * into strict licence
            from audit_checkpoints where id = checkpoint and kind = 'prune';
        delete from audit_logs
            where workspace_id = licence.workspace_id and sequence <= licence.count;
        get diagnostics gone = row_count;
        delete from audit_checkpoints
            where workspace_id = licence.workspace_id and number < licence.oldest;
        perform set_config('luminous.system', scope, true);
        return gone;
    end $$
"""


def upgrade() -> None:
    _create_logs()
    op.create_table(
        "audit_chains",
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_audit_chains")),
    )
    _create_checkpoints()
    op.create_table(
        "audit_keys",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_private_key", sa.LargeBinary(), nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_keys")),
        sa.UniqueConstraint("key_id", name=op.f("uq_audit_keys_key_id")),
    )
    for table in ("audit_logs", "audit_chains", "audit_checkpoints"):
        protect(table)
    _grant()


def _create_logs() -> None:
    op.create_table(
        "audit_logs",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=True),
        sa.Column("credential", sa.Text(), nullable=True),
        sa.Column("credential_id", sa.UUID(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=True),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("commitments", sa.JSON(), nullable=False),
        sa.Column("erasable", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("subject_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_logs")),
    )
    op.create_index(
        "uq_audit_logs_sequence", "audit_logs", ["workspace_id", "sequence"], unique=True
    )
    op.create_index("ix_audit_logs_at", "audit_logs", ["workspace_id", "at"], unique=False)
    for name, column in (("actor", "actor_id"), ("resource", "resource_id")):
        op.create_index(f"ix_audit_logs_{name}", "audit_logs", ["workspace_id", column, "sequence"])
    op.create_index("ix_audit_logs_request_id", "audit_logs", ["request_id"], unique=False)
    op.create_index(
        "ix_audit_logs_subject_ids", "audit_logs", ["subject_ids"], postgresql_using="gin"
    )


def _create_checkpoints() -> None:
    op.create_table(
        "audit_checkpoints",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("oldest", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("shown", sa.BigInteger(), nullable=True),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_checkpoints")),
    )
    op.create_index(
        "uq_audit_checkpoints_number",
        "audit_checkpoints",
        ["workspace_id", "number"],
        unique=True,
    )


def _grant() -> None:
    """Append and read, and erase personal values: the service can do nothing else to its trail."""
    grant("audit_logs", "select, update (erasable, subject_ids)")
    grant("audit_chains", "select")
    grant("audit_checkpoints", "select, insert")
    # A new master key seals the private half again.
    grant("audit_keys", "select, insert, update (sealed_private_key, updated_at)")
    for function, statement in (
        ("luminous_append_audit(text)", APPEND),
        ("luminous_prune_audit(uuid)", PRUNE),
    ):
        op.execute(statement)
        op.execute(f"revoke all on function {function} from public")
        op.execute(f"grant execute on function {function} to {APP_ROLE}")


def downgrade() -> None:
    op.execute("drop function luminous_prune_audit(uuid)")
    op.execute("drop function luminous_append_audit(text)")
    for table in ("audit_keys", "audit_checkpoints", "audit_chains", "audit_logs"):
        op.drop_table(table)
