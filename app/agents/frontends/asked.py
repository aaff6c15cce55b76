"""What a front end asks for, whichever protocol it speaks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import dropwhile
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from app.agents.frontends.errors import FrontendMessageInvalid
from app.agents.frontends.schemas import RunOptions
from app.agents.runtime.schemas import MOST_MESSAGES, AskedMessage

Content = str | list[dict[str, Any]]
Turn = tuple[int, str, Content]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a person said to a call that waits for them."""

    approval_id: UUID
    approved: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Unpaused:
    """What a person said to a run that waits at `seq` for its budget."""

    run_id: UUID
    seq: int
    cancel: bool = False
    budget_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A new run, or (with `answers` or `unpaused`) one that goes on.

    A `name` of the client's own makes a start that is repeated the same one.
    """

    thread_id: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    options: RunOptions = field(default_factory=lambda: RunOptions(metadata={}))
    answers: Sequence[Answered] = ()
    unpaused: Unpaused | None = None
    name: str | None = None


def conversation(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """The messages as runs keep them, out of `(place, role, content)`; empty ones are left out.

    A chat sends all it has, so that only the newest are kept of a long one.

    Raises FrontendMessageInvalid where the user does not have the last word.
    """
    kept = [_checked(*turn) for turn in _newest([turn for turn in turns if turn[2]])]
    if not kept or kept[-1]["role"] != "user":
        place = turns[-1][0] if turns else 0
        raise FrontendMessageInvalid(
            f"/body/messages/{place}", "the last of `messages` must be the user's"
        )
    return kept


def _newest(turns: Sequence[Turn]) -> Sequence[Turn]:
    """As many as a run takes; where others are left out, the first is the user's."""
    if len(turns) <= MOST_MESSAGES:
        return turns
    newest = turns[-MOST_MESSAGES:]
    return list(dropwhile(lambda turn: turn[1] != "user", newest))


def _checked(place: int, role: str, content: Content) -> dict[str, Any]:
    try:
        message = AskedMessage.model_validate({"role": role, "content": content})
    except ValidationError as error:
        detail = error.errors()[0]["msg"]
        raise FrontendMessageInvalid(f"/body/messages/{place}", detail) from None
    return message.model_dump(mode="json", exclude_none=True)


def joined(parts: Sequence[dict[str, Any]]) -> Content:
    """One text where there is nothing but text."""
    if all(part["type"] == "text" for part in parts):
        return "\n\n".join(part["text"] for part in parts)
    return list(parts)
