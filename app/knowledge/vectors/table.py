"""The table of pgvector, which is there only where Postgres has the extension.

So it is none of the models: what is kept in it is told by `passages`, and goes with them.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from app.core.migration_ops import grant, protect
from app.knowledge.vectors.half import HalfVector

NAME: Final = "passage_vectors"
# Others are searched without an index: one after the other.
INDEXED: Final = (256, 384, 512, 768, 1024, 1536, 3072)
OLDEST: Final = (0, 8)  # the first that goes on where a filter has left too little


def create() -> bool:
    """Make the table unless it is there, in a migration's context; tells whether it is there."""
    connection = op.get_bind()
    if sa.inspect(connection).has_table(NAME):
        return True
    if not _has_extension(connection):
        return False
    op.create_table(
        NAME,
        sa.Column("passage_id", sa.UUID(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.UUID(), nullable=True),
        sa.Column("subject_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("dimensions", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["passage_id"],
            ["passages.id"],
            name=op.f("fk_passage_vectors_passage_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("passage_id", "space", name=op.f("pk_passage_vectors")),
    )
    # Main: it stays in its row, where a search reads it; what is long would go to a side table.
    op.add_column(NAME, sa.Column("embedding", HalfVector(), nullable=False))
    op.execute(f"alter table {NAME} alter embedding set storage main")
    _index()
    grant(NAME)
    protect(NAME)
    return True


def _has_extension(connection: sa.Connection) -> bool:
    """Whether pgvector is here and new enough; made where that is allowed."""
    offered = connection.scalar(
        sa.text(
            "select coalesce(installed_version, default_version) "
            "from pg_available_extensions where name = 'vector'"
        )
    )
    if offered is None or tuple(map(int, offered.split(".")[:2])) < OLDEST:
        return False
    try:
        with connection.begin_nested():
            connection.execute(sa.text("create extension if not exists vector"))
    except sa.exc.DBAPIError:
        return False  # a superuser has to make it
    return connection.scalar(sa.text("select to_regtype('halfvec')::text")) is not None


def _index() -> None:
    op.create_index(
        "ix_passage_vectors_parent", NAME, ["workspace_id", "space", "kind", "parent_id"]
    )
    op.create_index("ix_passage_vectors_subject", NAME, ["workspace_id", "subject_id"])
    op.create_index(
        "ix_passage_vectors_user",
        NAME,
        ["workspace_id", "user_id"],
        postgresql_where=sa.text("user_id is not null"),
    )
    for size in INDEXED:
        op.execute(
            f"create index ix_passage_vectors_{size} on {NAME} "
            f"using hnsw ((embedding::halfvec({size})) halfvec_cosine_ops) "
            f"where dimensions = {size}"
        )
