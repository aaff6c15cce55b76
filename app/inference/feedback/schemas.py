"""Feedback on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.paging import PageQuery
from app.core.schema import Input, Number, Output, Text

Source = Literal["user", "evaluation", "grader"]


class FeedbackCreate(Input):
    """Exactly one of the three ids says what is judged."""

    call_id: Annotated[
        UUID | None,
        Field(
            description="A call's `id`, or the `X-Luminous-Call-Id` of an answer (`request_id`), "
            "by which the attempt that answered is meant."
        ),
    ] = None
    run_id: UUID | None = None
    message_id: UUID | None = None
    score: Annotated[Number, Field(ge=-1, le=1, description="-1 is bad, 1 is good.")]
    comment: Annotated[Text | None, Field(min_length=1, max_length=10_000)] = None
    source: Source = "user"

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"run_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11", "score": 1}]
        }
    )

    @model_validator(mode="after")
    def _about_one_thing(self) -> "FeedbackCreate":
        named = [one for one in (self.call_id, self.run_id, self.message_id) if one is not None]
        if len(named) != 1:
            raise ValueError("give exactly one of `call_id`, `run_id` and `message_id`")
        return self


class FeedbackQuery(PageQuery):
    run_id: UUID | None = None
    call_id: UUID | None = None
    message_id: UUID | None = None
    source: Source | None = None


class FeedbackRead(Output):
    id: UUID
    user_id: UUID = Field(description="Who judged.")
    call_id: UUID | None = Field(description="The `id` of the call that answered.")
    run_id: UUID | None
    message_id: UUID | None
    score: float
    comment: str | None
    source: Source
    route_id: UUID | None = Field(description="The adaptive route that learned from it.")
    category: str | None = Field(description="The kind of task that it learned of.")
    deployment: str | None = Field(description="The candidate that it learned of.")
    created_at: datetime
