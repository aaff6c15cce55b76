"""Connected databases on the wire. Addresses with passwords go in and never come out."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, SecretStr
from pydantic.config import JsonDict

from app.core.bulk import MOST_ITEMS
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, NotNull, Output, Problem, Text, Version, WholeNumber

Slug = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="What agents name it by; unique in the workspace.",
    ),
]
Identifier = Annotated[Text, Field(min_length=1, max_length=63)]
TableName = Annotated[Text, Field(min_length=3, max_length=127, pattern=r"^[^.]+\.[^.]+$")]
Schemas = Annotated[
    list[Identifier],
    Field(min_length=1, max_length=50, description="Schemas whose tables may be read."),
]
Tables = Annotated[
    list[TableName],
    Field(min_length=1, max_length=500, description="Only these, as `schema.table`."),
]
Dsn = Annotated[
    SecretStr,
    Field(
        min_length=1,
        max_length=2000,
        description=(
            "`postgresql://user:password@host:port/database`; write-only, stored encrypted. "
            "`?sslmode=` is `require` by default, or `verify-full`, or `disable`."
        ),
    ),
]
MaxRows = Annotated[
    WholeNumber, Field(ge=1, le=1000, description="Of one answer; the rest is cut off.")
]
TimeoutSeconds = Annotated[
    WholeNumber, Field(ge=1, le=60, description="After which a query is ended.")
]
Writable = Annotated[
    bool,
    Field(
        description="Whether workflows may write rows to its tables. Agents never write, and "
        "queries stay in a transaction that only reads."
    ),
]
Description = Annotated[Text, Field(max_length=2000, description="What is in it, for agents.")]
_ID = "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"
_SHOWN: JsonDict = {
    "id": _ID,
    "slug": "shop",
    "name": "Shop",
    "description": "Orders since 2019.",
    "engine": "postgres",
    "address": "db.example.com:5432/shop",
    "schemas": ["public"],
    "tables": None,
    "max_rows": 200,
    "timeout_seconds": 10,
    "enabled": True,
    "writable": False,
    "ready": True,
    "status": "working",
    "last_error": None,
    "last_tested_at": "2026-11-02T09:31:00Z",
    "warnings": [],
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:31:00Z",
    "deleted_at": None,
    "restorable_until": None,
    "version": 2,
}


class DatabaseCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "slug": "shop",
                    "name": "Shop",
                    "dsn": "postgresql://reader:secret@db.example.com:5432/shop",
                }
            ]
        }
    )

    slug: Slug
    name: Name
    description: Description = ""
    dsn: Dsn
    schemas: Schemas = Field(default_factory=lambda: ["public"])
    tables: Tables | None = None
    max_rows: MaxRows = 200
    timeout_seconds: TimeoutSeconds = 10
    enabled: bool = True
    writable: Writable = False


class DatabaseUpdate(Input):
    """A merge patch: what is absent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"max_rows": 50}]})

    slug: Annotated[Slug | None, NotNull] = None
    name: Annotated[Name | None, NotNull] = None
    description: Annotated[Description | None, NotNull] = None
    dsn: Annotated[Dsn | None, NotNull] = None
    schemas: Annotated[Schemas | None, NotNull] = None
    tables: Tables | None = None
    max_rows: Annotated[MaxRows | None, NotNull] = None
    timeout_seconds: Annotated[TimeoutSeconds | None, NotNull] = None
    enabled: Annotated[bool | None, NotNull] = None
    writable: Annotated[Writable | None, NotNull] = None


class DatabaseQuery(RestorableQuery):
    enabled: Annotated[bool | None, Field(description="Only those that are, or are not.")] = None


class DatabaseRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_SHOWN]})

    id: UUID
    slug: str
    name: str
    description: str
    engine: Literal["postgres"]
    address: str = Field(description="Host, port and database; nothing else of it is shown.")
    schemas: list[str]
    tables: list[str] | None = Field(description="Null for all of the schemas.")
    max_rows: int
    timeout_seconds: int
    enabled: bool
    writable: bool = Field(description="Whether workflows may write rows to its tables.")
    ready: bool = Field(description="Whether it can be asked; one that was restored has no DSN.")
    status: Literal["untested", "working", "failing"]
    last_error: Problem | None
    last_tested_at: datetime | None
    warnings: list[str] = Field(description="What the last test found about the role's rights.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class DatabaseTest(Output):
    """What came of a test."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"ok": True, "latency_ms": 41, "tables": 12, "warnings": [], "error": None}
            ]
        }
    )

    ok: bool
    latency_ms: int
    tables: int = Field(description="How many tables and views an agent may read.")
    warnings: list[str] = Field(description="What the role may do beyond reading.")
    error: dict[str, Any] | None = Field(description="A problem document, where it failed.")


class DatabaseBulkItem(Input):
    action: Literal["delete", "restore"]
    id: UUID


class DatabaseBulk(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [{"action": "delete", "id": _ID}]}]}
    )

    items: Annotated[list[DatabaseBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]
