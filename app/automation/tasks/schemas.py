"""Tasks on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.paging import PageQuery
from app.core.schema import Input, Moment, Output, Text

TaskKind = Literal["approval", "tool_approval"]
TaskStatus = Literal["open", "approved", "rejected", "expired", "closed"]
MOST_ASSIGNEES = 50
Assignee = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=254,
        description="A member's user id or e-mail address, or `role:` and the name of a role.",
    ),
]


class TaskQuery(PageQuery):
    """Which tasks to list."""

    mine: Annotated[
        bool,
        Field(description="Only what the caller may decide: assigned to them or to nobody."),
    ] = False
    status: Annotated[TaskStatus | None, Field(description="Only those.")] = None
    kind: Annotated[
        TaskKind | None,
        Field(description="`approval`: a step of a workflow; `tool_approval`: an agent's call."),
    ] = None
    workflow: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="A slug or an id.")
    ] = None
    run_id: Annotated[UUID | None, Field(description="Only those of this run.")] = None
    q: Annotated[
        Text | None,
        Field(min_length=1, max_length=200, description="In what is shown of it."),
    ] = None
    due_before: Annotated[
        Moment | None, Field(description="Only those whose time is over by then.")
    ] = None


class TaskItem(Output):
    """Something that waits for a person, or waited."""

    object: Literal["task"]
    id: UUID
    kind: TaskKind
    status: TaskStatus = Field(description="`closed`: its run has ended before it was decided.")
    title: str
    description: str
    run_id: UUID
    workflow_id: UUID | None
    workflow: str | None = Field(description="The workflow's slug; null of an agent's call.")
    agent: str | None = Field(description="The agent's slug; null of a workflow's step.")
    path: str
    node_id: str | None
    assignees: list[str] = Field(description="Empty: whoever may decide tasks.")
    may_decide: bool = Field(description="Whether the caller may, were it open.")
    requested_by_id: UUID = Field(description="Who began the run.")
    due_at: datetime | None = Field(description="When it is not asked any more.")
    decided_by_id: UUID | None
    decided_at: datetime | None
    comment: str
    created_at: datetime


class TaskNeighbour(Output):
    """A node right before or after the task's own."""

    node_id: str
    name: str
    type: str
    status: Literal["waiting", "pending", "ok", "error", "cached", "computed"]
    step_id: UUID | None


class TaskProgress(Output):
    """How far the run is. Nodes that are computed on the spot do not count."""

    nodes_done: int
    nodes_known: int
    tasks_open: int


class TaskRead(TaskItem):
    """A task with all that is needed to decide it."""

    form: dict[str, Any] | None = Field(description="The JSON Schema of `data`, if it has one.")
    data: Any = Field(description="What is to be agreed to; of an agent's call its arguments.")
    given: Any = Field(description="What it was decided with; null while it is open.")
    depends_on: list[TaskNeighbour]
    followed_by: list[TaskNeighbour]
    progress: TaskProgress | None = Field(description="Null of an agent's call.")


class TaskDecision(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"decision": "approve", "data": {"amount": 90}, "comment": "Ten off, as agreed."}
            ]
        }
    )

    decision: Literal["approve", "reject"]
    data: Annotated[
        Any, Field(description="In place of what is shown; by the form. Left out, it is that.")
    ] = None
    comment: Annotated[Text, Field(max_length=2000, description="Why.")] = ""


class TaskAssignment(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"assignees": ["role:admin"]}]})

    assignees: Annotated[
        list[Assignee],
        Field(max_length=MOST_ASSIGNEES, description="Empty: whoever may decide tasks."),
    ]
