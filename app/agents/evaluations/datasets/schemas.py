"""Datasets and their cases, as they are asked for and shown."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import orjson
from pydantic import AfterValidator, ConfigDict, Field, model_validator

from app.core.json_limits import holds_nul, too_deep
from app.core.paging import PageQuery
from app.core.restorable import RestorableQuery
from app.core.schema import (
    Input,
    Metadata,
    Moment,
    Name,
    NotNull,
    Output,
    Text,
    Version,
    WholeNumber,
)

MOST_CASES: Final = 5_000
MOST_BYTES: Final = 65_536
MOST_FILE_BYTES: Final = 8 * 1024 * 1024
MOST_REFUSALS: Final = 100
MOST_RUNS: Final = 200
RunKind = Literal["agent_run", "chat_turn"]


def _bounded(value: Any) -> Any:
    """Any JSON that can be kept."""
    try:
        written = orjson.dumps(value)
    except TypeError:
        raise ValueError("must be JSON") from None
    if len(written) > MOST_BYTES:
        raise ValueError("must be at most 64 KiB")
    if too_deep(written, value) is not None or holds_nul(written, value) is not None:
        raise ValueError("must be nested less deeply, and without the NUL character")
    return value


class CaseMessage(Input):
    """A message of a case's input."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[Text, Field(max_length=100_000)]


CaseText = Annotated[Text, Field(min_length=1, max_length=100_000)]
CaseMessages = Annotated[list[CaseMessage], Field(min_length=1, max_length=100)]
CaseInput = Annotated[
    CaseText | CaseMessages, Field(description="What is asked: a text, or messages.")
]
Variables = Annotated[
    dict[str, Any],
    Field(max_length=200, description="What templates of prompts and graders may name."),
    AfterValidator(_bounded),
]
Expected = Annotated[
    Any, Field(description="Any JSON that graders compare with."), AfterValidator(_bounded)
]
Tags = Annotated[
    list[Annotated[Text, Field(min_length=1, max_length=64)]],
    Field(max_length=32, description="What results can be sliced by."),
]
Description = Annotated[Text, Field(max_length=2_000)]


class DatasetCaseCreate(Input):
    """A case."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "input": "What is 17 times 3?",
                    "expected": "51",
                    "variables": {"audience": "a child"},
                    "tags": ["arithmetic"],
                }
            ]
        }
    )

    input: CaseInput
    variables: Variables = Field(default_factory=dict)
    expected: Expected = None
    tags: Tags = Field(default_factory=list)
    metadata: Metadata = Field(default_factory=dict)


class DatasetCaseUpdate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"expected": "51"}]})

    input: Annotated[CaseInput | None, NotNull] = None
    variables: Annotated[Variables | None, NotNull] = None
    expected: Expected = None
    tags: Annotated[Tags | None, NotNull] = None
    metadata: Annotated[Metadata | None, NotNull] = None


class DatasetCreate(Input):
    """Cases that belong together, and the first of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Arithmetic",
                    "cases": [{"input": "What is 17 times 3?", "expected": "51"}],
                }
            ]
        }
    )

    name: Name
    description: Description = ""
    metadata: Metadata = Field(default_factory=dict)
    cases: Annotated[
        list[DatasetCaseCreate], Field(max_length=500, description="More are added later.")
    ] = Field(default_factory=list)


class DatasetUpdate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Arithmetic, harder"}]})

    name: Annotated[Name | None, NotNull] = None
    description: Annotated[Description | None, NotNull] = None
    metadata: Annotated[Metadata | None, NotNull] = None


class DatasetQuery(RestorableQuery):
    """Which datasets to list."""


class DatasetCaseQuery(PageQuery):
    """Which cases to list, in the order in which they were added."""

    tag: Annotated[str | None, Field(max_length=64, description="Only those with this tag.")] = None


class CaseFileQuery(Input):
    """How a file of cases is to be read."""

    # `dry_run` stands beside it in the query.
    model_config = ConfigDict(extra="ignore")

    format: Annotated[
        Literal["jsonl", "json", "csv"],
        Field(
            description="JSON Lines; a JSON array; or CSV with a header: `input`, `expected`, "
            "`tags` (with `;` between them), and every other column a variable."
        ),
    ] = "jsonl"


def _every_kind() -> list[RunKind]:
    return ["agent_run", "chat_turn"]


class RunFilter(Input):
    """One's own past runs, newest first."""

    kinds: Annotated[list[RunKind], Field(min_length=1, max_length=2)] = Field(
        default_factory=_every_kind
    )
    subject_id: Annotated[
        UUID | None, Field(description="Of this agent, or of this conversation.")
    ] = None
    since: Moment | None = None
    until: Moment | None = None
    most: Annotated[WholeNumber, Field(ge=1, le=MOST_RUNS)] = 50


class CasesFromRuns(Input):
    """Past runs of one's own, by their ids or by a filter."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"filter": {"kinds": ["chat_turn"], "most": 20}}]}
    )

    run_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_RUNS)] | None = None
    filter: RunFilter | None = None
    tags: Tags = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_some(self) -> "CasesFromRuns":
        if (self.run_ids is None) == (self.filter is None):
            raise ValueError("give either `run_ids` or `filter`")
        return self


class DatasetRead(Output):
    """A dataset without its cases."""

    id: UUID
    name: str
    description: str
    metadata: dict[str, Any] = Field(validation_alias="labels")
    case_count: int
    user_id: UUID | None = Field(description="Who made it.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class CaseMessageRead(Output):
    role: str
    content: str


class DatasetCaseRead(Output):
    """A case."""

    id: UUID
    input: str | list[CaseMessageRead]
    variables: dict[str, Any]
    expected: Any
    tags: list[str]
    metadata: dict[str, Any] = Field(validation_alias="labels")
    run_id: UUID | None = Field(description="The run that it was taken from.")
    created_at: datetime
    updated_at: datetime
    version: Version


class RefusedRow(Output):
    """A row, counted from 1 (without a header), or a run that gave no case, and why."""

    row: int | None
    run_id: UUID | None
    code: str
    detail: str


class CasesAdded(Output):
    """How many cases were added, and what was refused; of many the first hundred."""

    added: int
    refused: int
    refusals: list[RefusedRow]


class DatasetSnapshotRead(Output):
    """All cases of a dataset as they were when an experiment pinned them."""

    id: UUID
    digest: str = Field(description="SHA-256 of the cases in their order.")
    case_count: int
    created_at: datetime


class DatasetSnapshotQuery(PageQuery):
    """Which snapshots to list."""
