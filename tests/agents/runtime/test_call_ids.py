"""The ids of calls as providers give them, and as a run knows them."""

import pytest

from app.agents.runtime.answer import _whole
from app.inference.providers.types import TextPart, ToolCallPart


def ids(*given):
    parts = [ToolCallPart(each, "look", "{}") for each in given]
    return [
        part.id for part in _whole([TextPart("So."), *parts], "") if isinstance(part, ToolCallPart)
    ]


@pytest.mark.parametrize(
    "usual", ["call_a1B2", "toolu_01A", "functions.look:0", "call_1|fc_2", "D681PevKs", "c-1"]
)
def test_usual_ids_stay_as_they_are(usual):
    assert ids(usual) == [usual]


@pytest.mark.parametrize("given", ["", "#summary", "a/b", "1.a/2.b", "a\x00", "a b", "x" * 201])
def test_an_id_that_could_be_taken_for_another_place_is_not_kept(given):
    assert ids(given) == ["call_0"]


def test_each_call_of_an_answer_has_an_id_of_its_own():
    assert ids("call_0", "", "a", "a", "call_1") == ["call_0", "call_2", "a", "call_3", "call_1"]
