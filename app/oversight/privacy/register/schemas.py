"""The register on the wire."""

from typing import Literal

from pydantic import ConfigDict, Field

from app.core.data import Category
from app.core.schema import Output


class ColumnRead(Output):
    """A column with personal data."""

    name: str
    category: Category


class ProcessingRead(Output):
    """What one table is kept for."""

    table: str
    purpose: str
    basis: Literal["contract", "consent", "legal_obligation", "legitimate_interest"] | None = Field(
        description="The legal basis; null where nothing is about a person."
    )
    subjects: Literal["person", "customer", "none"] = Field(
        description=(
            "Whom the rows are about: people with accounts or invitations, or a workspace's own "
            "customers, for whose data the workspace is the controller."
        )
    )
    categories: list[Category]
    columns: list[ColumnRead]
    has_secrets: bool = Field(description="Whether it holds hashes or sealed values.")
    erasure: Literal["delete", "clear", "keep"] = Field(
        description="What the erasure of a person does; customers, see `erased_by`."
    )
    erased_by: str | None = Field(
        description="The operation by which a workspace erases its customers from the table."
    )
    reason: str = Field(description="Why it is not simply deleted.")
    retention_class: str | None
    retention_days: int | None = Field(description="By this workspace's policy; null is unbounded.")


class RecipientRead(Output):
    """Someone outside to whom the workspace sends data."""

    name: str
    purpose: str
    place: str


class RegisterRead(Output):
    """The register of processing (GDPR, article 30) of this installation and workspace."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "processing": [
                        {
                            "table": "conversations",
                            "purpose": "keep a person's chats until they delete them",
                            "basis": "contract",
                            "subjects": "person",
                            "categories": ["content"],
                            "columns": [{"name": "title", "category": "content"}],
                            "has_secrets": False,
                            "erasure": "delete",
                            "erased_by": None,
                            "reason": "",
                            "retention_class": "conversations",
                            "retention_days": 365,
                        }
                    ],
                    "recipients": [
                        {
                            "name": "Anthropic",
                            "purpose": "answers of language models",
                            "place": "api.anthropic.com",
                        }
                    ],
                }
            ]
        }
    )

    processing: list[ProcessingRead]
    recipients: list[RecipientRead]
