"""The kept events of finished runs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Base


class RunEvent(Base):
    """One event, byte for byte as it was streamed (`body` is its JSON)."""

    __tablename__ = "run_events"
    __handling__ = Handling(
        "let a client read a finished run's stream again",
        through=("run_id", "runs"),
        retention="runs",
        audited=False,
    )

    run_id: Mapped[UUID] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(info=plain())
    body: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    kept_at: Mapped[datetime] = mapped_column(index=True)
