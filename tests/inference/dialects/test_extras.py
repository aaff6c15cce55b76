"""What stands in a request beside its text, wherever it stands."""

import orjson
import pytest

from app.inference.dialects.anthropic_messages import AnthropicMessages
from app.inference.dialects.extras import extras_of
from app.inference.dialects.openai_chat import OpenAIChat
from app.inference.dialects.openai_responses import OpenAIResponses
from app.inference.usage.extras import NOTHING

PLAIN = [{"role": "user", "content": "Hi"}]
FILE = {"type": "input_file", "file_url": "https://example.com/a.pdf"}
REFERENCE = {"type": "item_reference", "id": "msg_1"}


def extras(dialect, **body):
    return extras_of(dialect.read(orjson.dumps({"model": "m", **body})))


def test_text_alone_is_nothing_more():
    assert extras(OpenAIChat(), messages=PLAIN) is NOTHING
    assert extras(OpenAIResponses(), input=PLAIN) is NOTHING
    assert extras(OpenAIResponses(), input="Hi", messages=PLAIN) is NOTHING


@pytest.mark.parametrize("item", [REFERENCE, REFERENCE | {"content": "Hi"}])
def test_an_item_that_the_provider_keeps_may_be_of_any_length(item):
    assert extras(OpenAIResponses(), input=[*PLAIN, item]).boundless == 1


def test_turns_beside_plain_ones_are_looked_at():
    turns = [{"role": "user", "content": [FILE]}]
    assert extras(OpenAIResponses(), input=turns, messages=PLAIN).boundless == 1


@pytest.mark.parametrize(
    ("thread", "boundless"),
    [({"type": "create"}, 0), ({"type": "continue", "previous_message_id": "msg_1"}, 1)],
)
def test_a_thread_that_goes_on_may_be_of_any_length(thread, boundless):
    found = extras(AnthropicMessages(), max_tokens=9, messages=PLAIN, thread=thread)
    assert found.boundless == boundless
