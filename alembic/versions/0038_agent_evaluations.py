"""Datasets, graders, experiments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

RESTORABLE = ("datasets", "evaluations", "experiments")
TABLES = (
    "datasets",
    "dataset_cases",
    "dataset_snapshots",
    "dataset_snapshot_cases",
    "evaluations",
    "experiments",
    "experiment_results",
)


def upgrade() -> None:
    _datasets()
    _cases("dataset_cases", "dataset_id", "datasets", _id("run_id", True))
    _snapshots()
    snapshots = ("snapshot_id", "dataset_snapshots")
    _cases("dataset_snapshot_cases", *snapshots, _id("case_id"), versioned=False)
    _evaluations()
    _experiments()
    _results()
    for table in TABLES:
        if table in (*RESTORABLE, "dataset_cases"):
            count_versions(table)
        grant(table)
        protect(table)


def _datasets() -> None:
    table = "datasets"
    op.create_table(
        table,
        *_ids("id", "workspace_id"),
        _id("user_id", True),
        _text("name"),
        _text("description"),
        _json("metadata"),
        sa.Column("case_count", sa.Integer(), nullable=False),
        *_deletion(),
        *_end(),
        *_keys(table),
    )
    _listed(table)


def _cases(table: str, column: str, parent: str, *more: sa.Column, versioned: bool = True) -> None:
    op.create_table(
        table,
        *_ids("id", "workspace_id", column),
        sa.Column("position", sa.BigInteger(), nullable=False),
        _id("user_id", True),
        _json("input"),
        _json("variables"),
        _json("expected", True),
        _json("tags"),
        _json("metadata"),
        _text("digest"),
        *more,
        *_end(versioned=versioned),
        *_keys(table),
        _to(table, column, parent),
    )
    op.create_index(f"uq_{table}_position", table, [column, "position"], unique=True)
    op.create_index(f"ix_{table}_workspace_id", table, ["workspace_id"])
    op.create_index(f"ix_{table}_user_id", table, ["user_id"])


def _snapshots() -> None:
    table = "dataset_snapshots"
    op.create_table(
        table,
        *_ids("id", "workspace_id", "dataset_id"),
        _text("digest"),
        sa.Column("case_count", sa.Integer(), nullable=False),
        *_end(versioned=False),
        *_keys(table),
        _to(table, "dataset_id", "datasets"),
    )
    op.create_index(f"uq_{table}_digest", table, ["dataset_id", "digest"], unique=True)
    _listed(table)


def _evaluations() -> None:
    table = "evaluations"
    op.create_table(
        table,
        *_ids("id", "workspace_id", "dataset_id"),
        _id("user_id", True),
        _text("name"),
        _text("description"),
        _json("metadata"),
        _json("graders"),
        sa.Column("pass_score", sa.Float(), nullable=False),
        _json("thresholds"),
        _id("baseline_experiment_id", True),
        _text("baseline_target", True),
        _json("calibrations"),
        *_deletion(),
        *_end(),
        *_keys(table),
        _to(table, "dataset_id", "datasets"),
    )
    _listed(table)
    op.create_index(f"ix_{table}_dataset_id", table, ["dataset_id"])


def _experiments() -> None:
    table = "experiments"
    op.create_table(
        table,
        *_ids("id", "workspace_id", "run_id", "evaluation_id", "snapshot_id"),
        _id("user_id", True),
        _text("digest"),
        _text("name"),
        _json("metadata"),
        _text("status"),
        _json("targets"),
        _json("tags"),
        _json("graders"),
        sa.Column("pass_score", sa.Float(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("budget_usd", sa.Numeric(18, 9), nullable=True),
        sa.Column("case_count", sa.Integer(), nullable=False),
        _json("calibrations"),
        _json("results", True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        *_deletion(),
        *_end(),
        *_keys(table),
        _to(table, "evaluation_id", "evaluations"),
        _to(table, "snapshot_id", "dataset_snapshots"),
    )
    _listed(table)
    op.create_index(f"ix_{table}_evaluation_id", table, ["evaluation_id"])
    op.create_index(f"ix_{table}_snapshot_id", table, ["snapshot_id"])


def _results() -> None:
    table = "experiment_results"
    op.create_table(
        table,
        *_ids("id", "workspace_id", "experiment_id", "case_id"),
        _id("user_id", True),
        sa.Column("place", sa.Integer(), nullable=False),
        _text("target"),
        sa.Column("repeat", sa.Integer(), nullable=False),
        _text("status"),
        _json("tags"),
        _id("run_id", True),
        _text("model", True),
        _text("text"),
        _json("output", True),
        _json("tool_calls"),
        sa.Column("steps", sa.Integer(), nullable=True),
        _json("grades"),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        _json("error", True),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Numeric(18, 9), nullable=True),
        sa.Column("grading_cost_usd", sa.Numeric(18, 9), nullable=True),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("first_token_ms", sa.Float(), nullable=True),
        *_end(versioned=False),
        *_keys(table),
        _to(table, "experiment_id", "experiments"),
    )
    once = ["experiment_id", "target", "case_id", "repeat"]
    op.create_index(f"uq_{table}_case", table, once, unique=True)
    op.create_index(f"ix_{table}_list", table, ["experiment_id", "place", "id"])
    op.create_index(f"ix_{table}_workspace_id", table, ["workspace_id"])
    op.create_index(f"ix_{table}_user_id", table, ["user_id"])


def _ids(*names: str) -> tuple[sa.Column, ...]:
    return tuple(_id(name) for name in names)


def _id(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.UUID(), nullable=nullable)


def _text(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _json(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, postgresql.JSONB(), nullable=nullable)


def _deletion() -> tuple[sa.Column, ...]:
    return (sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),)


def _end(*, versioned: bool = True) -> tuple[sa.Column, ...]:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    version = sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)
    return (
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
        *((version,) if versioned else ()),
    )


def _keys(table: str) -> tuple[sa.Constraint, ...]:
    return (
        _to(table, "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _to(table: str, column: str, target: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
    )


def _listed(table: str) -> None:
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
