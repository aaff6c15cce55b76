"""Model calls."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Row


class ModelCall(Row):
    """One call of a model: opened before the provider is asked, settled after it has answered.

    `request_id` is shared by the attempts of one request. `estimated` marks counts that the
    provider did not give (it died, or the process did). `cost_usd` is what is charged, null where
    no price is known. While a call is open, `price` and `reserved_usd` tell another process how to
    settle it. An answer out of the cache (`cache_status` is `hit` or `semantic_hit`) costs nothing
    and says in `saved_usd` what it would have cost. `guardrails` are the findings of the request so
    far, without what was found.
    """

    __tablename__ = "model_calls"
    __table_args__ = (
        Index("ix_model_calls_list", "workspace_id", "created_at", "id"),
        Index("ix_model_calls_run", "run_id"),
        Index("ix_model_calls_request", "request_id"),
        Index(
            "ix_model_calls_key",
            "api_key_id",
            "created_at",
            postgresql_where=text("api_key_id IS NOT NULL"),
        ),
        Index(
            "ix_model_calls_customer",
            "workspace_id",
            "customer",
            "created_at",
            postgresql_where=text("customer IS NOT NULL"),
        ),
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
    request_id: Mapped[UUID | None]
    attempt: Mapped[int] = mapped_column(default=1)
    api_key_id: Mapped[UUID | None]
    customer: Mapped[str | None] = mapped_column(info=personal(Category.IDENTITY))
    agent_id: Mapped[UUID | None]
    conversation_id: Mapped[UUID | None]
    tags: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    integration_id: Mapped[UUID | None]
    provider: Mapped[str] = mapped_column(info=plain())
    model: Mapped[str] = mapped_column(info=plain())
    reference: Mapped[str | None] = mapped_column(info=plain())
    route: Mapped[str | None] = mapped_column(info=plain())
    category: Mapped[str | None] = mapped_column(info=plain())
    dialect: Mapped[str | None] = mapped_column(info=plain())
    operation: Mapped[str] = mapped_column(default="chat", info=plain())
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
    price: Mapped[dict[str, Any] | None] = mapped_column(info=plain())
    reserved_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    guardrails: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    cache_status: Mapped[str] = mapped_column(default="none", info=plain())
    saved_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    first_token_ms: Mapped[int | None]
    error_code: Mapped[str | None] = mapped_column(info=plain())
    ended_at: Mapped[datetime | None]
