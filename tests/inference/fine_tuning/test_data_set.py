"""Data sets are checked before anybody trains on them."""

import json

import pytest

from app.inference.fine_tuning.data_set import check
from app.inference.fine_tuning.errors import DataSetInvalid

USER = {"role": "user", "content": "Hello"}
ANSWER = {"role": "assistant", "content": "Good day."}


def jsonl(*examples):
    return "\n".join(json.dumps(example) for example in examples).encode()


def good(number):
    return {"messages": [{"role": "user", "content": f"Hello {number}"}, ANSWER]}


def preference(number):
    return {
        "input": {"messages": [{"role": "user", "content": f"Hello {number}"}]},
        "preferred_output": [ANSWER],
        "non_preferred_output": [{"role": "assistant", "content": "What?"}],
    }


def test_a_good_data_set_is_counted_and_its_repetitions_are_told():
    report = check(jsonl(*map(good, range(12)), good(3)), "supervised", 1000)
    assert (report.examples, report.repeated) == (13, [13])
    assert report.tokens >= 13 * report.longest * 0.9
    assert check(jsonl(*map(preference, range(10))), "dpo", None).examples == 10


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ([], "is no JSON object"),
        ({"prompt": "Hello"}, "needs `messages`"),
        ({"messages": [USER]}, "has no answer"),
        ({"messages": [ANSWER, USER]}, "must end with the assistant's answer"),
        ({"messages": [{"role": "judge", "content": "x"}, ANSWER]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": ""}, ANSWER]}, "messages[0].content"),
        ({"messages": [USER, {**ANSWER, "weight": 0}]}, "every weight is 0"),
        ({"messages": [USER, {**ANSWER, "weight": 2}]}, "neither 0 nor 1"),
        ({"messages": [USER, {**ANSWER, "content": "x" * 5000}]}, "the model reads 1,000"),
    ],
)
def test_a_mistake_is_told_with_its_line(example, said):
    content = jsonl(*map(good, range(10)), example)
    with pytest.raises(DataSetInvalid) as refused:
        check(content, "supervised", 1000)
    (mistake,) = refused.value.errors
    assert mistake.pointer == "/lines/11"
    assert said in mistake.detail


def test_a_preference_for_the_same_answer_teaches_nothing():
    same = {**preference(1), "non_preferred_output": [ANSWER]}
    with pytest.raises(DataSetInvalid, match="prefers an answer to itself"):
        check(jsonl(*map(preference, range(10)), same), "dpo", None)


def test_nine_examples_are_too_few():
    with pytest.raises(DataSetInvalid, match="at least 10"):
        check(jsonl(*map(good, range(9))), "supervised", None)


@pytest.mark.parametrize(
    "line",
    [
        b'{"messages": [{"role": ["user"], "content": "a"}]}',
        b'{"messages": [{"role": "user", "content": ' + b"[" * 900 + b"]" * 900 + b"}]}",
    ],
)
def test_a_hostile_line_is_a_mistake_like_any_other(line):
    with pytest.raises(DataSetInvalid, match="/lines/1 "):
        check(line, "supervised", None)
