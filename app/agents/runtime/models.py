"""What an agent's run was begun with, each step of it, and what people agreed to."""

from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.agents.definitions.definition import AgentDefinition
from app.core.data import Category, Handling, personal, plain
from app.core.db import Row


class Execution(Row):
    """An agent at work; its id is that of its run, which has its status, times and cost.

    `definition` is what the agent was when it began: a later version does not change it. `messages`
    are what it was asked. `active_seconds` is how long it has worked, pauses left out. A fork says
    in `forked_from_id` and `forked_at` from which step of which run on it goes another way.
    """

    __tablename__ = "executions"
    __table_args__ = (
        Index("ix_executions_list", "workspace_id", "user_id", "created_at", "id"),
        Index("ix_executions_agent", "agent_id", "created_at"),
        Index("ix_executions_parent", "parent_run_id"),
    )
    __handling__ = Handling(
        "do what an agent was asked, and tell how it came to its result",
        subject="user_id",
        retention="runs",
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    agent_id: Mapped[UUID | None]
    agent_version: Mapped[int | None]
    agent_slug: Mapped[str] = mapped_column(info=plain())
    agent_name: Mapped[str] = mapped_column(info=plain())
    definition: Mapped[dict[str, Any]] = mapped_column(info=plain())
    messages: Mapped[list[Any]] = mapped_column(info=personal(Category.CONTENT))
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict, info=personal(Category.CONTENT))
    instructions: Mapped[str] = mapped_column(default="", info=personal(Category.CONTENT))
    model: Mapped[str | None] = mapped_column(info=plain())
    purpose: Mapped[str] = mapped_column(info=plain())
    budget_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    conversation_id: Mapped[UUID | None]
    parent_run_id: Mapped[UUID | None]
    forked_from_id: Mapped[UUID | None]
    forked_at: Mapped[int | None]
    active_seconds: Mapped[float] = mapped_column(default=0.0)
    labels: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict, info=plain())

    @cached_property
    def parsed(self) -> AgentDefinition:
        """The definition; it is read several times in a run, and never changed."""
        return AgentDefinition.model_validate(self.definition)


class ExecutionStep(Row):
    """One call of a model or of a tool, written before it begins and when it has ended.

    `path` says whose it is in a delegation: empty for the agent itself, else the calls that led
    there, joined by `/`. `number` is the model's step, from 1 in each path; its tool calls bear the
    same one. `copied` is what a fork took over: it cost nothing here.
    """

    __tablename__ = "execution_steps"
    __table_args__ = (
        Index(
            "uq_execution_steps_place",
            "execution_id",
            "path",
            "number",
            "call_id",
            unique=True,
        ),
        Index("ix_execution_steps_workspace_id", "workspace_id"),
    )
    __handling__ = Handling(
        "go on at the step where a process died, and show what was done",
        through=("execution_id", "executions"),
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    execution_id: Mapped[UUID] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"))
    path: Mapped[str] = mapped_column(default="", info=plain())
    number: Mapped[int]
    # Empty for the model's own call, so that places are unique.
    call_id: Mapped[str] = mapped_column(default="", info=plain())
    kind: Mapped[str] = mapped_column(info=plain())
    agent_slug: Mapped[str] = mapped_column(info=plain())
    name: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(default="started", info=plain())
    arguments: Mapped[Any] = mapped_column(
        JSONB(none_as_null=True), nullable=True, info=personal(Category.CONTENT)
    )
    outcome: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=personal(Category.CONTENT)
    )
    context: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=personal(Category.CONTENT)
    )
    is_error: Mapped[bool] = mapped_column(default=False)
    copied: Mapped[bool] = mapped_column(default=False)
    input_tokens: Mapped[int] = mapped_column(default=0)
    output_tokens: Mapped[int] = mapped_column(default=0)
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    first_token_ms: Mapped[int | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ToolApproval(Row):
    """A call that waits for a person, or waited. `status`: pending, approved, declined, expired.

    What is carried out is what stands here: `digest` is that of the name and the arguments.
    """

    __tablename__ = "tool_approvals"
    __table_args__ = (
        Index("uq_tool_approvals_call", "execution_id", "path", "number", "call_id", unique=True),
        Index("ix_tool_approvals_list", "workspace_id", "created_at", "id"),
        Index("ix_tool_approvals_due", "expires_at", postgresql_where=text("status = 'pending'")),
    )
    __handling__ = Handling(
        "do nothing that matters without a person who agrees",
        through=("execution_id", "executions"),
        mentions=("decided_by_id",),
        reason="what was decided stays; who decided is forgotten",
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    execution_id: Mapped[UUID] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    path: Mapped[str] = mapped_column(default="", info=plain())
    number: Mapped[int]
    call_id: Mapped[str] = mapped_column(info=plain())
    agent_slug: Mapped[str] = mapped_column(info=plain())
    tool: Mapped[str] = mapped_column(info=plain())
    arguments: Mapped[dict[str, Any]] = mapped_column(info=personal(Category.CONTENT))
    digest: Mapped[str] = mapped_column(info=plain())
    reason: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(default="pending", info=plain())
    expires_at: Mapped[datetime]
    decided_by_id: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(default="", info=personal(Category.CONTENT))
