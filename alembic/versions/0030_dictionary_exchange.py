"""Imports of dictionaries, and bundles between instances."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TABLES = (
    "dictionary_imports",
    "dictionary_import_parts",
    "dictionary_import_rows",
    "dictionary_peers",
    "dictionary_peer_entries",
    "dictionary_bundles",
)


def _id(name: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, sa.UUID(), nullable=null)


def _text(name: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=null)


def _truth(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _json(name: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, postgresql.JSONB(), nullable=null)


def _moment(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _version() -> sa.Column:
    return sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)


def _create(table: str, *columns: sa.Column, of: dict[str, str]) -> None:
    """A table with what all have; `of` are the tables that its columns lead to."""
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    op.create_table(
        table,
        _id("id"),
        _id("workspace_id"),
        *columns,
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{target}.id"],
                name=op.f(f"fk_{table}_{column}"),
                ondelete="CASCADE",
            )
            for column, target in {"workspace_id": "workspaces", **of}.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _imports() -> None:
    _create(
        "dictionary_imports",
        _id("user_id"), _id("dictionary_id"), _id("run_id"), _text("name"), _text("format"),
        _text("mode"), _truth("continue_on_error"), _text("unknown_targets"),
        _text("default_status"), _number("size"), _text("sha256"), _text("status"),
        _text("stage"), _number("total"), _number("created"), _number("updated"),
        _number("unchanged"), _number("removed"), _number("refused"), _json("error", null=True),
        _moment("ended_at"), _version(),
        of={"dictionary_id": "dictionaries"},
    )  # fmt: skip
    op.create_index(
        "ix_dictionary_imports_list", "dictionary_imports", ["workspace_id", "created_at", "id"]
    )
    op.create_index(
        "uq_dictionary_imports_dictionary_id", "dictionary_imports", ["dictionary_id"],
        unique=True, postgresql_where=sa.text("status = 'in_progress'"),
    )  # fmt: skip
    _create(
        "dictionary_import_parts",
        _id("import_id"), _number("position"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        of={"import_id": "dictionary_imports"},
    )  # fmt: skip
    _create(
        "dictionary_import_rows",
        _id("import_id"), _number("position"), _number("line", null=True), _text("key"),
        _text("external_id", null=True), _json("concept", null=True), _text("status"),
        _id("entry_id", null=True), _truth("made"), _text("reason", null=True),
        of={"import_id": "dictionary_imports"},
    )  # fmt: skip
    for table in ("dictionary_import_parts", "dictionary_import_rows"):
        op.create_index(f"uq_{table}_position", table, ["import_id", "position"], unique=True)
        op.create_index(f"ix_{table}_workspace_id", table, ["workspace_id"])
    rows = "dictionary_import_rows"
    op.create_index(f"ix_{rows}_status", rows, ["import_id", "status", "position"])
    op.create_index(f"ix_{rows}_key", rows, ["import_id", "key"])
    op.create_index(f"ix_{rows}_external_id", rows, ["import_id", "external_id"])
    op.create_index(f"ix_{rows}_entry", rows, ["import_id", "entry_id"])


def _peers() -> None:
    _create(
        "dictionary_peers",
        _id("dictionary_id"), _text("name"), _json("public_jwk"), _text("thumbprint"),
        _id("remote_dictionary_id", null=True), _number("sent"), _moment("deleted_at"), _version(),
        of={"dictionary_id": "dictionaries"},
    )  # fmt: skip
    peers = "dictionary_peers"
    op.create_index("ix_dictionary_peers_list", peers, ["workspace_id", "created_at", "id"])
    op.create_index(
        "uq_dictionary_peers_thumbprint", peers, ["dictionary_id", "thumbprint"], unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )  # fmt: skip
    _create(
        "dictionary_peer_entries",
        _id("peer_id"), _id("sync_id"), _id("entry_id"), _json("known", null=True),
        _number("their_sequence"), _number("base_sequence"), _number("merged_at"),
        _number("sent_version", null=True),
        _number("sent_sequence", null=True), _number("acked_version", null=True),
        of={"peer_id": "dictionary_peers", "entry_id": "terminology_entries"},
    )  # fmt: skip
    links = "dictionary_peer_entries"
    op.create_index(f"uq_{links}_sync_id", links, ["peer_id", "sync_id"], unique=True)
    op.create_index(f"uq_{links}_entry_id", links, ["peer_id", "entry_id"], unique=True)
    op.create_index(f"ix_{links}_entry_id", links, ["entry_id"])
    op.create_index(f"ix_{links}_workspace_id", links, ["workspace_id"])
    _create(
        "dictionary_bundles",
        _id("peer_id"), _text("direction"), _number("sequence"), _text("sha256"),
        _number("entries"),
        of={"peer_id": "dictionary_peers"},
    )  # fmt: skip
    op.create_index(
        "uq_dictionary_bundles_sequence", "dictionary_bundles",
        ["peer_id", "direction", "sequence"], unique=True,
    )  # fmt: skip
    op.create_index("ix_dictionary_bundles_workspace_id", "dictionary_bundles", ["workspace_id"])


def upgrade() -> None:
    _imports()
    _peers()
    for table in TABLES:
        grant(table)
        protect(table)
    for table in ("dictionary_imports", "dictionary_peers"):
        count_versions(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
