"""Routes, what they learned, and feedback."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _id() -> sa.Column:
    return sa.Column("id", sa.UUID(), nullable=False)


def _times() -> tuple[sa.Column, sa.Column]:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    return (
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
    )


def _workspace(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id"],
        ["workspaces.id"],
        name=op.f(f"fk_{table}_workspace_id_workspaces"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    json, moment = postgresql.JSONB(), sa.DateTime(timezone=True)
    op.add_column("ai_integrations", sa.Column("region", sa.Text(), nullable=True))
    op.create_table(
        "ai_routes",
        _id(),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("sticky", sa.Boolean(), nullable=False),
        sa.Column("candidates", json, nullable=False),
        sa.Column("on_overflow", json, nullable=False),
        sa.Column("failover", json, nullable=False),
        sa.Column("constraints", json, nullable=False),
        sa.Column("adaptive", json, nullable=False),
        sa.Column("deleted_at", moment, nullable=True),
        *_times(),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _workspace("ai_routes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ai_routes")),
    )
    living = sa.text("deleted_at IS NULL")
    op.create_index(
        "uq_ai_routes_slug", "ai_routes", ["workspace_id", "slug"], unique=True,
        postgresql_where=living,
    )  # fmt: skip
    op.create_index(
        "uq_ai_routes_default", "ai_routes", ["workspace_id"], unique=True,
        postgresql_where=sa.text("is_default AND deleted_at IS NULL"),
    )  # fmt: skip
    op.create_index("ix_ai_routes_list", "ai_routes", ["workspace_id", "created_at", "id"])
    fading = ("pulls", "failures", "run_sum", "run_weight", "rated_sum", "rated_weight")
    counts = ("calls", "errors", "ratings", "evaluations")
    op.create_table(
        "route_arms",
        _id(),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("route_id", sa.UUID(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("deployment", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in fading),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        *_times(),
        _workspace("route_arms"),
        sa.ForeignKeyConstraint(
            ["route_id"],
            ["ai_routes.id"],
            name=op.f("fk_route_arms_route_id_ai_routes"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route_arms")),
    )
    op.create_index(
        "uq_route_arms_arm", "route_arms", ["route_id", "category", "deployment"], unique=True
    )
    op.create_index("ix_route_arms_workspace_id", "route_arms", ["workspace_id"])
    op.create_table(
        "feedback",
        _id(),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("call_id", sa.UUID(), nullable=True),
        sa.Column("run_id", sa.UUID(), nullable=True),
        sa.Column("message_id", sa.UUID(), nullable=True),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("route_id", sa.UUID(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("deployment", sa.Text(), nullable=True),
        *_times(),
        _workspace("feedback"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    op.create_index("ix_feedback_list", "feedback", ["workspace_id", "created_at", "id"])
    op.create_index("ix_feedback_call", "feedback", ["call_id"])
    op.create_index("ix_feedback_run", "feedback", ["run_id"])
    for table in ("ai_routes", "route_arms", "feedback"):
        grant(table)
        protect(table)
    count_versions("ai_routes")


def downgrade() -> None:
    for table in ("feedback", "route_arms", "ai_routes"):
        op.drop_table(table)
    op.drop_column("ai_integrations", "region")
