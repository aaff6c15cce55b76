"""What the log is told of an answer that ended while it could not be written, after what it has."""

from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import pytest

from app.agents.definitions.definition import OutputGuard
from app.agents.runtime.answer import partials_of
from app.agents.runtime.models import ExecutionStep
from app.agents.runtime.telling import tell_missing
from app.agents.runtime.tree import Tree
from app.agents.runtime.words import stored
from app.inference.providers.types import ReasoningPart, TextPart
from app.runs.events.event import encode

RUN = UUID(int=1)
MESSAGE = str(UUID(int=2))
PLACE = {"path": "", "number": 1, "message_id": MESSAGE}
ASKED = ("step.started", {"step": "model", **PLACE})
BEGUN = [ASKED, ("message.created", PLACE)]


def _said(text):
    return "text.delta", {"message_id": MESSAGE, "text": text}


def _thought(text):
    return "reasoning.delta", {"message_id": MESSAGE, "text": text}


class Log:
    """What a run's log has, and what it is told then."""

    run_id, attempt = RUN, 2

    def __init__(self, *events):
        self.history = [encode(str(RUN), seq, *event) for seq, event in enumerate(events, 1)]
        self.told = []

    def emit(self, kind, /, **fields):
        self.told.append((kind, fields))

    def text(self, delta, *, message_id):
        if delta:
            self.emit("text.delta", message_id=message_id, text=delta)

    def reasoning(self, delta, *, message_id):
        if delta:
            self.emit("reasoning.delta", message_id=message_id, text=delta)


def _words(log, *parts):
    """What is told of an answer with these parts, apart from where it begins and ends."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    step = ExecutionStep(
        path="", number=1, call_id="", kind="model", agent_slug="tested", name="test/model",
        status="ended", outcome={"parts": stored(parts)}, is_error=False, copied=False,
        input_tokens=1, output_tokens=1, started_at=moment, ended_at=moment,
    )  # fmt: skip
    journal = SimpleNamespace(steps={("", 1, ""): step}, approvals={})
    tree = Tree(log, None, journal, None, None, None, None, None, "agent_run")
    tell_missing(tree, partials_of(log.history), OutputGuard())
    assert [kind for kind, _ in log.told[-2:]] == ["usage.updated", "step.completed"]
    return [(kind, fields["text"]) for kind, fields in log.told if kind.endswith(".delta")]


WHOLE = [("reasoning.delta", "It says so."), ("text.delta", "Tea costs 3.")]


@pytest.mark.parametrize("cut", range(len(WHOLE[0][1] + WHOLE[1][1]) + 1))
def test_an_answer_is_told_from_where_the_log_breaks_off(cut):
    thought, said = WHOLE[0][1], WHOLE[1][1]
    known = [_thought(thought[:cut]), _said(said[: max(0, cut - len(thought))])]
    words = _words(Log(*BEGUN, *known), ReasoningPart(thought), TextPart(said))
    rest = [("reasoning.delta", thought[cut:]), ("text.delta", said[max(0, cut - len(thought)) :])]
    assert words == [each for each in rest if each[1]]


def test_an_answer_that_the_log_has_nothing_of_is_told_whole():
    assert _words(Log(), ReasoningPart("It says so."), TextPart("Tea costs 3.")) == WHOLE


def test_thoughts_between_texts_are_told_between_them():
    log = Log(*BEGUN, _thought("One."), _said("First"))
    parts = [ReasoningPart("One."), TextPart("First, "), ReasoningPart("Two."), TextPart("second.")]
    assert _words(log, *parts) == [
        ("text.delta", ", "),
        ("reasoning.delta", "Two."),
        ("text.delta", "second."),
    ]


def test_the_thoughts_of_a_process_that_died_are_not_those_of_the_next():
    begun = [*BEGUN, _thought("A look."), _said("Tea ")]
    parts = [TextPart("Tea "), ReasoningPart("It goes on."), TextPart("costs 3.")]
    rest = ("text.delta", "costs 3.")
    heard = Log(*begun, ASKED, _thought("It "))
    assert _words(heard, *parts) == [("reasoning.delta", "goes on."), rest]
    unheard = Log(*begun)
    assert _words(unheard, *parts) == [("reasoning.delta", "It goes on."), rest]
