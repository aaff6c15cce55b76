"""The dialects by their names."""

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol
from uuid import UUID

from app.runs.dialects.ag_ui import AgUiEncoder
from app.runs.dialects.ai_sdk import AiSdkEncoder
from app.runs.dialects.encoder import Dialect

Name = Literal["ai-sdk", "ag-ui"]
THREAD: Final = "thread_id"


class Told(Protocol):
    """What a dialect must know of a run beside its log; its row will do."""

    @property
    def id(self) -> UUID: ...
    @property
    def subject_id(self) -> UUID | None: ...
    @property
    def input(self) -> Mapping[str, Any]: ...


def dialect_of(name: Name, run: Told) -> Dialect:
    """A dialect that has been told nothing yet."""
    if name == "ai-sdk":
        return AiSdkEncoder(run.id)
    return AgUiEncoder(run.id, thread_of(run))


def thread_of(run: Told) -> str:
    """The conversation that a run belongs to: what it was begun with, else what it works on."""
    return str(run.input.get(THREAD) or run.subject_id or run.id)
