"""What routing is told that a request needs."""

import orjson
import pytest

from app.inference.calls.questions import NEEDS, needs_of


@pytest.mark.parametrize(("mark", "need"), NEEDS.items())
def test_each_mark_says_what_is_needed(mark, need):
    assert needs_of(orjson.dumps({"messages": [{"content": [{"type": mark.decode()}]}]})) == {need}
    assert needs_of(orjson.dumps({mark.decode(): 1})) == {need}


def test_several_needs_are_found_and_words_in_a_text_are_none():
    body = orjson.dumps({"tools": [{"type": "image"}], "x": {"image_url": 1, "document": 2}})
    assert needs_of(body) == {"tools", "vision", "files"}
    said = 'Of "tools", "file" and "image", or a file.'
    assert needs_of(orjson.dumps({"messages": [{"content": said}]})) == frozenset()
