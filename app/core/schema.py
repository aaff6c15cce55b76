"""The base of every request and response body."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_before_validator_function


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the NUL character")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is beyond the years 1 to 9999") from None


def _bounded_json(value: dict[str, Any]) -> dict[str, Any]:
    if len(repr(value)) > 16_384:
        raise ValueError("must be at most 16 KiB")
    return value


Text = Annotated[str, AfterValidator(_without_nul)]
_LENGTH_OF_TEXT = re.compile(r"Value should have (at least|at most) (\d+) item(s?) .*")


def sentence(message: str) -> str:
    """What Pydantic says is wrong; of a Text, it counts the characters as items of a `Value`."""
    said = message.removeprefix("Value error, ")
    return _LENGTH_OF_TEXT.sub(r"String should have \1 \2 character\3", said)


Name = Annotated[
    str, BeforeValidator(lambda v: v.strip() if isinstance(v, str) else v),
    Field(min_length=1, max_length=200), AfterValidator(_without_nul),
]  # fmt: skip


def _no_number(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError("must be a text such as 2026-11-22T10:00:00Z")  # noqa: TRY004 - Pydantic's
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_no_number), AfterValidator(_in_utc)]
"""An instant that Postgres can keep: at the ends of the calendar, an offset can lead beyond."""
Metadata = Annotated[dict[str, Any], Field(max_length=64), AfterValidator(_bounded_json)]


Money = Annotated[
    Decimal,
    PlainSerializer(lambda amount: f"{amount.normalize():f}", return_type=str),
    Field(description="US dollars, as a decimal number in a string."),
]


class DecimalText:
    """On a Decimal in a request body, last: a text is short, and written as people write numbers.

    Plain `Decimal` takes a text of any length, underscores and the digits of every script.
    """

    LONGEST = 40
    PATTERN = r"^-?[0-9]+(\.[0-9]+)?$"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_before_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        told = handler(schema)
        for option in told.get("anyOf", ()):
            if option.get("type") == "string":
                option.update(maxLength=self.LONGEST, pattern=self.PATTERN)
        return told

    def _checked(self, value: object) -> object:
        if isinstance(value, str) and not self._is_written_well(value):
            raise ValueError("must be a decimal number, such as 12.50")
        return value

    def _is_written_well(self, value: str) -> bool:
        return len(value) <= self.LONGEST and bool(re.match(self.PATTERN, value))


def _not_null(value: object) -> object:
    if value is None:
        raise ValueError("must not be null: leave it out to keep it")
    return value


class _NotNull:
    """Null is refused, and its type is no part of the schema."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_before_validator_function(_not_null, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        told = handler(schema)
        options = [each for each in told.pop("anyOf", ()) if each != {"type": "null"}]
        if len(options) == 1:
            return {**told, **options[0]}
        return {**told, "anyOf": options} if options else told


# In a merge patch, for what cannot be taken away: absent it stays, and null is refused.
NotNull = _NotNull()


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")  # noqa: TRY004 - Pydantic's
    return value


WholeNumber = Annotated[int, BeforeValidator(_no_truth)]
"""A number in a request body; plain `int` would take `true` for 1."""

Number = Annotated[float, BeforeValidator(_no_truth), Field(allow_inf_nan=False)]
"""The same for a number that need not be whole."""

Version = Annotated[
    int, Field(description="Counted up at every change; the resource's ETag names it.")
]


class _BuiltLate(BaseModel):
    """A model whose validator is built when it is first used: a process uses few of a thousand.

    Pydantic is told so of the class alone, and no longer than it makes it: it would put off the
    fields that FastAPI makes of it too, past the place where FastAPI silences what it knows of.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.model_config["defer_build"] = True

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        del cls.model_config["defer_build"]


def build_models(base: type[BaseModel] = _BuiltLate) -> None:
    """Build all that are not built yet: each once, where what needs many builds parts anew."""
    for model in base.__subclasses__():
        model.model_rebuild(raise_errors=False)
        build_models(model)


class Input(_BuiltLate):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=False)

    def given(self, mode: Literal["python", "json"] = "json") -> dict[str, Any]:
        """The fields that a merge patch names, each whole: what they leave out at its default."""
        return self.model_dump(mode=mode, include=self.model_fields_set)


class Output(_BuiltLate):
    """A response body: read from an ORM object or a dataclass; its fields have no defaults."""

    model_config = ConfigDict(from_attributes=True)


class FieldProblem(Output):
    """One mistake in a request."""

    pointer: str = Field(description="Where it is: `/body/content`, `/query/limit`, `/path/id`.")
    code: str
    detail: str


class Problem(Output):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="A page of the documentation that explains this code.")
    title: str
    status: int
    detail: str
    instance: str | None = Field(description="The path that was called.")
    code: str = Field(description="Stable snake_case name of this kind of error.")
    request_id: str | None
    retryable: bool = Field(description="Whether the same request may succeed later.")
    retry_after: float | None = Field(description="Seconds to wait first, where that is known.")
    errors: list[FieldProblem]
