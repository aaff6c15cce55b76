"""Kinds of tasks, and by what they are told."""

import time

import pytest

from app.inference.routing.category import categorise

NOTHING = frozenset()


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Hello, how are you?", "chat"),
        ("Why does this fail?\n```\nprint(1)\n```", "code"),
        ("Refactor this Python function, please.", "code"),
        ("Solve the equation for me: the probability of two sixes.", "math"),
        ("Übersetze diesen Brief.", "translation"),
        ("Translate into French: good morning", "translation"),
        ("Summarise the report in a few sentences.", "summary"),
        ("Extract the names and give them as JSON.", "extraction"),
        ("Write a poem about the sea.", "creative"),
    ],
)
def test_a_task_is_told_by_its_words(text, category):
    assert categorise(text, NOTHING).name == category


@pytest.mark.parametrize(
    ("need", "category"),
    [("vision", "vision"), ("tools", "tools"), ("structured_output", "extraction")],
)
def test_what_a_request_carries_says_more_than_its_words(need, category):
    assert categorise("Write a poem.", frozenset({need})).name == category


def test_it_says_by_which_features():
    found = categorise("Refactor this:\n```\nx\n```", NOTHING)
    assert {(one.category, one.name) for one in found.features} == {
        ("code", "a fenced block of code"), ("code", "it asks about code"),
    }  # fmt: skip


def test_a_question_at_the_end_of_a_long_text_is_seen():
    assert categorise("lorem ipsum " * 50_000 + "Please summarise this.", NOTHING).name == "summary"


def test_a_megabyte_takes_no_longer_than_a_page():
    text = "a" * 1_000_000
    began = time.process_time()
    for _ in range(100):
        categorise(text, NOTHING)
    assert time.process_time() - began < 0.5
