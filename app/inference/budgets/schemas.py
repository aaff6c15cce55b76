"""Budgets on the wire."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from app.core.paging import PageQuery
from app.core.restorable import RestorableQuery
from app.core.schema import (
    DecimalText,
    Input,
    Money,
    Name,
    NotNull,
    Output,
    Text,
    Version,
    WholeNumber,
)
from app.inference.budgets.windows import WindowKind

MOST_BUDGETS = 2000
MOST_AMOUNT = Decimal(9_000_000)
SubjectType = Literal[
    "workspace",
    "user",
    "api_key",
    "agent",
    "run",
    "route",
    "tag",
    "customer",
    "all_customers",
]
# Those that are about one thing only, which has no id.
WITHOUT_ID = frozenset({"workspace", "all_customers"})
BY_UUID = frozenset({"user", "api_key", "agent", "run"})
_BUDGET: JsonDict = {
    "name": "The support team's November",
    "subject": {"type": "tag", "id": "support"},
    "amount": "250",
    "window": "month",
    "timezone": "Europe/Berlin",
    "hard": True,
    "thresholds": [50, 80, 100],
}


class BudgetSubject(Input):
    """Whose calls are counted; `all_customers` counts each end user apart."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{"type": "tag", "id": "support"}]}
    )

    type: Annotated[SubjectType, Field(description="What `id` is an id of.")]
    id: Annotated[
        Text | None,
        Field(
            min_length=1,
            max_length=200,
            description=(
                "The id of a user, API key, agent or run; a route's slug, a tag, or a customer's "
                "external id; null for `workspace` and `all_customers`."
            ),
        ),
    ] = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.id is None) != (self.type in WITHOUT_ID):
            needs = "takes no `id`" if self.type in WITHOUT_ID else "needs an `id`"
            raise ValueError(f"a budget of type `{self.type}` {needs}")
        if self.id is not None and self.type in BY_UUID:
            self.id = str(UUID(self.id))
        return self


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is no time zone; they look like `Europe/Berlin`")
    return ZoneInfo(name).key


Amount = Annotated[
    Money,
    Field(
        gt=0,
        le=MOST_AMOUNT,
        decimal_places=9,
        description="US dollars, as a decimal number in a string; at most 9,000,000.",
    ),
    DecimalText(),
]
Timezone = Annotated[
    Text,
    Field(max_length=64, description="Where its days and months begin: an IANA time zone."),
    AfterValidator(_known_zone),
]
Thresholds = Annotated[
    list[Annotated[WholeNumber, Field(ge=1, le=1000)]],
    Field(max_length=10, description="Per cent of the amount at which an alert is given."),
    AfterValidator(lambda given: sorted(set(given))),
]
Models = Annotated[
    list[Annotated[Text, Field(min_length=1, max_length=200)]],
    Field(
        max_length=50,
        description="Patterns (`openai/gpt-*`) of the models that it is about; none: all.",
    ),
]


class BudgetCreate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [_BUDGET]})

    name: Name
    subject: BudgetSubject
    amount: Amount
    window: WindowKind
    timezone: Timezone = "UTC"
    hard: Annotated[
        bool, Field(description="Refuse calls that could go beyond it; a soft one only alerts.")
    ] = True
    thresholds: Thresholds = Field(default=[50, 80, 100])
    models: Models = Field(default_factory=list)


class BudgetUpdate(Input):
    """A merge patch: what is absent stays. Whom it is about and its window cannot be changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"amount": "400"}]})

    name: Annotated[Name | None, NotNull] = None
    amount: Annotated[Amount | None, NotNull] = None
    hard: Annotated[bool | None, NotNull] = None
    thresholds: Annotated[Thresholds | None, NotNull] = None


class BudgetQuery(RestorableQuery):
    subject_type: SubjectType | None = None
    subject_id: Annotated[Text | None, Field(max_length=200)] = None


class BudgetRead(Output):
    id: UUID
    name: str
    subject: BudgetSubject
    amount: Money
    window: WindowKind
    timezone: str
    hard: bool
    thresholds: list[int] = Field(description="Per cent of the amount.")
    models: list[str]
    spent: Money | None = Field(
        description="US dollars settled in the present window; null where each customer has it."
    )
    reserved: Money | None = Field(description="Of calls that are under way.")
    remaining: Money | None = Field(description="What calls may still cost; never below zero.")
    window_start: datetime | None = Field(description="Null for a total.")
    window_end: datetime | None = Field(description="The first moment after it.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class BudgetAlertRead(Output):
    """One threshold crossed; it is told once in a window."""

    id: UUID
    budget_id: UUID
    window: str = Field(validation_alias="window_name", description="`2026-11-21`, `2026-11` …")
    threshold: int = Field(description="Per cent of the amount.")
    customer: Annotated[str | None, BeforeValidator(lambda whose: whose or None)] = Field(
        description="Whose, where each customer has the budget apart."
    )
    spent: Money = Field(description="US dollars settled when it was crossed.")
    amount: Money = Field(description="The budget's amount then.")
    created_at: datetime


class BudgetAlertQuery(PageQuery):
    """Nothing but what every list takes."""
