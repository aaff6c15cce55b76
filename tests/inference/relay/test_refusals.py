"""What a model says instead of an answer, through the unmodified SDKs."""

import pytest
from anthropic import AsyncAnthropic
from pydantic import BaseModel

from tests.support.fakes.base import Said, say

ASKED = [{"role": "user", "content": "How?"}]
WORDS = "I cannot help with that."
REFUSED = Said(text=(), extra={"refusal": WORDS})


class Answer(BaseModel):
    text: str


@pytest.fixture
async def guarded(client, gateway):
    """A provider that refuses, behind a guardrail, which has every answer translated."""
    check = {"kind": "personal_data", "action": "mask", "entities": ["EMAIL"]}
    body = {"name": "Policy", "checks": [check]}
    made = await client.post("/v1/guardrails", json=body, headers=gateway.person.headers)
    assert made.status_code == 201, made.text
    gateway.fake.will(say(REFUSED), say(REFUSED))
    return gateway


async def test_a_chat_client_gets_it_as_a_refusal(sdk, guarded):
    asked = {"model": guarded.model, "messages": ASKED}
    whole = await sdk.chat.completions.parse(**asked, response_format=Answer)
    async with sdk.chat.completions.stream(**asked, response_format=Answer) as stream:
        kinds = {event.type async for event in stream}
        streamed = await stream.get_final_completion()
    assert "refusal.done" in kinds
    for choice in (whole.choices[0], streamed.choices[0]):
        assert (choice.message.refusal, choice.message.content) == (WORDS, None)
        assert choice.finish_reason == "stop"


async def test_a_client_of_responses_gets_it_as_a_refusal(sdk, guarded):
    asked = {"model": guarded.model, "input": "How?", "store": False}
    whole = await sdk.responses.create(**asked)
    async with sdk.responses.stream(**asked) as stream:
        events = [event async for event in stream]
        streamed = await stream.get_final_response()
    told = [event for event in events if event.type.startswith("response.refusal")]
    assert "".join(event.delta for event in told[:-1]) == told[-1].refusal == WORDS
    for answer in (whole, streamed):
        assert (answer.status, answer.output_text) == ("completed", "")
        [part] = answer.output[0].content
        assert (part.type, part.refusal) == ("refusal", WORDS)


async def test_a_client_of_anthropic_gets_its_words_and_its_reason(guarded):
    root = guarded.base_url.removesuffix("/openai/v1")
    async with AsyncAnthropic(
        base_url=f"{root}/anthropic", api_key=guarded.key, max_retries=0
    ) as anthropic:
        asked = {"model": guarded.model, "max_tokens": 99, "messages": ASKED}
        whole = await anthropic.messages.create(**asked)
        async with anthropic.messages.stream(**asked) as stream:
            streamed = await stream.get_final_message()
    for answer in (whole, streamed):
        assert answer.stop_reason == "refusal"
        assert [block.text for block in answer.content] == [WORDS]
