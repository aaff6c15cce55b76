"""Budgets, price overrides, customers, and what a key may ask."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

RATE, NANO = sa.Numeric(18, 6), sa.Numeric(18, 9)
RESOURCES = ("price_overrides", "billing_settings", "budgets", "customers", "customer_defaults")
# What an API key may ask of models; of a key that was made before, all.
OF_KEYS = (
    ("models", postgresql.JSONB(), None),
    ("features", postgresql.JSONB(), None),
    ("tokens", postgresql.JSONB(), "'[]'"),
    ("concurrency", sa.Integer(), None),
    ("route", sa.Text(), None),
    ("tags", postgresql.JSONB(), "'[]'"),
    ("metadata", postgresql.JSONB(), "'{}'"),
)


def _json(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, postgresql.JSONB(), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _moment(name: str, *, given: bool = False) -> sa.Column[Any]:
    begin = sa.text("now()") if given else None
    kind = sa.DateTime(timezone=True)
    return sa.Column(name, kind, server_default=begin, nullable=not given)


def _make(table: str, *columns: Any, resource: bool = True) -> None:
    """A table of a workspace's own rows."""
    version = sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        *columns,
        _moment("created_at", given=True),
        _moment("updated_at", given=True),
        *((version,) if resource else ()),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f(f"fk_{table}_workspace_id_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _listed(table: str, *within: str) -> None:
    columns = ["workspace_id", *within, "created_at", "id"]
    op.create_index(f"ix_{table}_list", table, columns)


def upgrade() -> None:
    _make_prices()
    _make_budgets()
    _make_customers()
    for table in (*RESOURCES, "budget_alerts"):
        grant(table)
        protect(table)
    for table in RESOURCES:
        count_versions(table)
    for name, kind, value in OF_KEYS:
        default = sa.text(f"{value}::jsonb") if value else None
        column = sa.Column(name, kind, nullable=value is None, server_default=default)
        op.add_column("api_keys", column)


def _make_prices() -> None:
    _make(
        "price_overrides",
        _text("integration", nullable=True),
        _text("model"),
        *(sa.Column(name, RATE, nullable=False) for name in ("input", "output")),
        *(sa.Column(name, RATE, nullable=True) for name in ("cached_input", "cache_write")),
        *(sa.Column(name, NANO, nullable=False) for name in ("call", "image", "minute")),
        _json("tiers"),
        _text("note"),
        _moment("deleted_at"),
    )
    _listed("price_overrides")
    _make(
        "billing_settings",
        _text("currency"),
        sa.Column("units_per_usd", NANO, nullable=False),
        _json("discounts"),
    )
    op.create_index(
        "uq_billing_settings_workspace", "billing_settings", ["workspace_id"], unique=True
    )


def _make_budgets() -> None:
    _make(
        "budgets",
        _text("name"),
        _text("subject_type"),
        _text("subject_id", nullable=True),
        sa.Column("amount", NANO, nullable=False),
        _text("window"),
        _text("timezone"),
        sa.Column("hard", sa.Boolean(), nullable=False),
        _json("thresholds"),
        _json("models"),
        _moment("deleted_at"),
    )
    _listed("budgets")
    _make(
        "budget_alerts",
        sa.Column("budget_id", sa.UUID(), nullable=False),
        _text("window_name"),
        sa.Column("threshold", sa.Integer(), nullable=False),
        _text("customer"),
        sa.Column("spent", NANO, nullable=False),
        sa.Column("amount", NANO, nullable=False),
        sa.ForeignKeyConstraint(
            ["budget_id"],
            ["budgets.id"],
            name=op.f("fk_budget_alerts_budget_id_budgets"),
            ondelete="CASCADE",
        ),
        resource=False,
    )
    once = ["budget_id", "window_name", "threshold", "customer"]
    op.create_index("uq_budget_alerts_once", "budget_alerts", once, unique=True)
    _listed("budget_alerts", "budget_id")


def _make_customers() -> None:
    def limits(*, nullable: bool) -> tuple[sa.Column[Any], ...]:
        return (
            sa.Column("blocked", sa.Boolean(), nullable=False),
            _json("requests", nullable=nullable),
            _json("tokens", nullable=nullable),
            sa.Column("concurrency", sa.Integer(), nullable=True),
            _json("models", nullable=True),
        )

    _make(
        "customers",
        _text("external_id"),
        _text("name"),
        *limits(nullable=True),
        _json("metadata"),
        _moment("deleted_at"),
    )
    _listed("customers")
    op.create_index("ix_customers_changed", "customers", ["workspace_id", "updated_at"])
    op.create_index(
        "uq_customers_external_id",
        "customers",
        ["workspace_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    _make("customer_defaults", *limits(nullable=False))
    op.create_index(
        "uq_customer_defaults_workspace", "customer_defaults", ["workspace_id"], unique=True
    )


def downgrade() -> None:
    for name, *_ in OF_KEYS:
        op.drop_column("api_keys", name)
    for table in ("budget_alerts", *RESOURCES):
        op.drop_table(table)
