"""Import and export of workflows, on the wire."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.automation.workflows.schemas import WorkflowRead
from app.core.schema import FieldProblem, Input, Output, Text
from app.identity.versioned.schemas import VersionChoice, Visibility

MOST_CHARACTERS = 1_048_576
Format = Literal["json", "yaml"]


class WorkflowDocument(Input):
    """A text with a workflow."""

    name: Annotated[Text | None, Field(max_length=200, description="Its file's name.")] = None
    content: Annotated[Text, Field(min_length=1, max_length=MOST_CHARACTERS)]


class WorkflowImport(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "documents": [
                        {
                            "name": "greeting.yaml",
                            "content": "format: luminous/workflow@1\nname: Greeting\ndefinition:\n"
                            "  dsl: flow/1\n  nodes:\n"
                            "    - {id: greet, type: transform, with: {value: Hello}}\n",
                        }
                    ]
                }
            ]
        }
    )

    documents: Annotated[list[WorkflowDocument], Field(min_length=1, max_length=32)]
    format: Annotated[
        Format | None, Field(description="Of all documents; null: each by its looks.")
    ] = None
    visibility: Visibility = "workspace"


class WorkflowImported(Output):
    """What was made, in the order of the documents, and what is doubtful about it."""

    data: list[WorkflowRead]
    warnings: list[FieldProblem]


class WorkflowExportQuery(VersionChoice):
    format: Format = "json"
