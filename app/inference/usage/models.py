"""Model calls."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Handling, plain
from app.core.db import Row


class ModelCall(Row):
    """One call of a model: opened before the provider is asked, settled after it has answered.

    `estimated` marks counts that the provider did not give (it died, or the process did).
    `cost_usd` is null where no price is known.
    """

    __tablename__ = "model_calls"
    __table_args__ = (
        Index("ix_model_calls_list", "workspace_id", "created_at", "id"),
        Index("ix_model_calls_run", "run_id"),
        Index("ix_model_calls_open", "executor_id", postgresql_where=text("status = 'started'")),
    )

    __handling__ = Handling(
        "account for what models cost, by workspace and person",
        subject="user_id",
        erase="clear",
        reason="a workspace's costs stay countable; whose calls they were is forgotten",
        retention="usage",
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    run_id: Mapped[UUID | None]
    integration_id: Mapped[UUID | None]
    provider: Mapped[str] = mapped_column(info=plain())
    model: Mapped[str] = mapped_column(info=plain())
    purpose: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(default="started", info=plain())
    executor_id: Mapped[str] = mapped_column(info=plain())
    input_tokens: Mapped[int] = mapped_column(default=0)
    output_tokens: Mapped[int] = mapped_column(default=0)
    cached_input_tokens: Mapped[int] = mapped_column(default=0)
    cache_write_tokens: Mapped[int] = mapped_column(default=0)
    reasoning_tokens: Mapped[int] = mapped_column(default=0)
    estimated: Mapped[bool] = mapped_column(default=True)
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    first_token_ms: Mapped[int | None]
    error_code: Mapped[str | None] = mapped_column(info=plain())
    ended_at: Mapped[datetime | None]
