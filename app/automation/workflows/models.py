"""Workflows and the versions of their definitions."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.automation.workflows.errors import (
    TooManyWorkflowLabels,
    TooManyWorkflows,
    TooManyWorkflowVersions,
    WorkflowLabelNotFound,
    WorkflowNotFound,
    WorkflowNotYours,
    WorkflowReadOnly,
    WorkflowSlugTaken,
    WorkflowVersionNotFound,
)
from app.core.data import Handling, plain
from app.identity.versioned.kind import Kind, Refusals
from app.identity.versioned.models import NumberedVersion, Versioned


class Workflow(Versioned):
    """A workflow; while it is not `enabled`, neither people nor triggers start it."""

    __tablename__ = "workflows"
    __table_args__ = (
        Index("ix_workflows_list", "workspace_id", "created_at", "id"),
        Index(
            "uq_workflows_slug",
            "workspace_id",
            "slug",
            unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
    )
    __handling__ = Handling(
        "keep what a workspace has done by itself, step by step",
        subject="owner_id",
        erase="clear",
        reason="what a team built stays its own; a private workflow goes with its owner",
    )

    tags: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    enabled: Mapped[bool] = mapped_column(default=True)


class WorkflowVersion(NumberedVersion):
    """One state of a workflow's definition, as it was written; with which API key, if with one."""

    __tablename__ = "workflow_versions"
    __table_args__ = (
        Index("uq_workflow_versions_number", "workflow_id", "number", unique=True),
        Index("ix_workflow_versions_list", "workspace_id", "workflow_id", "created_at", "id"),
    )
    __handling__ = Handling(
        "give every state of a workflow back, and say who wrote it",
        subject="created_by_id",
        erase="clear",
        reason="runs name the version that they follow; what a team built stays its own",
    )

    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    api_key_id: Mapped[UUID | None]


WORKFLOW_KIND: Final = Kind(
    "workflow",
    Workflow,
    WorkflowVersion,
    WorkflowVersion.workflow_id,
    refusals=Refusals(
        not_found=WorkflowNotFound,
        version_not_found=WorkflowVersionNotFound,
        label_not_found=WorkflowLabelNotFound,
        slug_taken=WorkflowSlugTaken,
        too_many=TooManyWorkflows,
        too_many_versions=TooManyWorkflowVersions,
        too_many_labels=TooManyWorkflowLabels,
        read_only=WorkflowReadOnly,
        not_yours=WorkflowNotYours,
    ),
)
