"""Routes, and what the adaptive ones have learned."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, technical
from app.core.db import Row
from app.core.restorable import Restorable


class Route(Restorable):
    """How a request's model is chosen, under the name by which requests ask for it.

    `candidates`, `on_overflow`, `failover`, `constraints` and `adaptive` are kept as they came over
    the wire, checked by the schemas of the same names. `generation` counts how often an adaptive
    route was told to start again: what was learned under an earlier one is never added.
    """

    __tablename__ = "ai_routes"
    __table_args__ = (
        Index(
            "uq_ai_routes_slug",
            "workspace_id",
            "slug",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "uq_ai_routes_default",
            "workspace_id",
            unique=True,
            postgresql_where=text("is_default AND deleted_at IS NULL"),
        ),
        Index("ix_ai_routes_list", "workspace_id", "created_at", "id"),
    )

    __handling__ = technical("choose which model answers a request")

    slug: Mapped[str] = mapped_column(info=plain())
    name: Mapped[str] = mapped_column(info=plain())
    strategy: Mapped[str] = mapped_column(info=plain())
    is_default: Mapped[bool] = mapped_column(default=False)
    sticky: Mapped[bool] = mapped_column(default=False)
    candidates: Mapped[list[Any]] = mapped_column(info=plain())
    on_overflow: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    failover: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
    constraints: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
    adaptive: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
    generation: Mapped[int] = mapped_column(default=0)


class RouteArm(Row):
    """What an adaptive route knows of one candidate at one category of task.

    The first six fade as newer calls come in: sums of rewards and of their weights, from calls
    (`run_`) and from ratings (`rated_`). The last four only count what it was learned from.
    """

    __tablename__ = "route_arms"
    __table_args__ = (
        Index("uq_route_arms_arm", "route_id", "category", "deployment", unique=True),
        Index("ix_route_arms_workspace_id", "workspace_id"),
    )

    __handling__ = technical("remember which model does well at what", audited=False)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    route_id: Mapped[UUID] = mapped_column(ForeignKey("ai_routes.id", ondelete="CASCADE"))
    category: Mapped[str] = mapped_column(info=plain())
    deployment: Mapped[str] = mapped_column(info=plain())
    pulls: Mapped[float] = mapped_column(default=0.0)
    failures: Mapped[float] = mapped_column(default=0.0)
    run_sum: Mapped[float] = mapped_column(default=0.0)
    run_weight: Mapped[float] = mapped_column(default=0.0)
    rated_sum: Mapped[float] = mapped_column(default=0.0)
    rated_weight: Mapped[float] = mapped_column(default=0.0)
    calls: Mapped[int] = mapped_column(default=0)
    errors: Mapped[int] = mapped_column(default=0)
    ratings: Mapped[int] = mapped_column(default=0)
    evaluations: Mapped[int] = mapped_column(default=0)
