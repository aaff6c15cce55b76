"""An answer that goes well: its text, reasoning, usage and ending, whole and streamed."""

from typing import ClassVar

from app.inference.providers.collect import Collector
from app.inference.providers.contract.bench import Bench, Contract
from app.inference.providers.contract.checks import ask, events_of, expect, same, user
from app.inference.providers.contract.script import Answer, Said
from app.inference.providers.types import (
    ChatRequest,
    ChatResult,
    FinishReason,
    Message,
    ReasoningDelta,
    ReasoningPart,
    ResponseFormat,
    TextDelta,
    TextPart,
    UsageReport,
)

SCHEMA = {
    "type": "object",
    "properties": {"zebra_count": {"type": "integer"}},
    "required": ["zebra_count"],
    "additionalProperties": False,
}


async def streamed(bench: Bench, request: ChatRequest) -> ChatResult:
    collected = Collector(bench.provider.dialect)
    for event in await events_of(bench.provider, request):
        collected.add(event)
    return collected.result()


async def both(bench: Bench, said: Said, request: ChatRequest | None = None) -> ChatResult:
    """The same answer, whole and streamed; the two must be equal."""
    bench.upstream.will(Answer(said), Answer(said))
    request = request or ask()
    whole, collected = await bench.provider.complete(request), await streamed(bench, request)
    same(collected.parts, whole.parts, "What is streamed")
    same(collected.finish_reason, whole.finish_reason, "The streamed ending")
    same(collected.usage, whole.usage, "The streamed usage")
    return whole


class Speaking(Contract):
    endings: ClassVar[tuple[FinishReason, ...]] = ("stop", "length")

    async def test_text_comes_piece_by_piece(self) -> None:
        async with self.opened() as bench:
            events = await events_of(bench.provider, ask())
        pieces = tuple(event.text for event in events if isinstance(event, TextDelta))
        same("".join(pieces), "".join(Said().text), "The text")
        expect(len(pieces) > 1, "A streamed text comes in more than one piece.")

    async def test_a_streamed_answer_equals_a_whole_one(self) -> None:
        async with self.opened() as bench:
            answer = await both(bench, Said())
        same(answer.text, "".join(Said().text), "The text")
        expect(bool(answer.model), "An answer names its model.")

    async def test_a_character_cut_in_two_arrives_whole(self) -> None:
        async with self.opened() as bench:
            bench.upstream.will(Answer(split=True))
            answer = await streamed(bench, ask())
        same(answer.text, "".join(Said().text), "The text")

    async def test_usage_is_told(self) -> None:
        self.needs("usage")
        async with self.opened() as bench:
            events = await events_of(bench.provider, ask())
            whole = (await bench.provider.complete(ask())).usage
        reports = [event.usage for event in events if isinstance(event, UsageReport)]
        expect(bool(reports), "A stream reports its usage.")
        wanted = Said().usage
        for found in (reports[-1], whole):
            same(found.input_tokens, wanted.input_tokens, "All input, cached included,")
            same(found.output_tokens, wanted.output_tokens, "All output, reasoning included,")
            expect(found.cached_input_tokens in (0, 20), "Cached input is what the vendor says.")

    async def test_an_ending_is_told(self) -> None:
        async with self.opened() as bench:
            for ending in self.endings:
                answer = await both(bench, Said(finish=ending))
                same(answer.finish_reason, ending, "The ending")

    async def test_reasoning_comes_before_the_text_and_is_none_of_it(self) -> None:
        self.needs("reasoning")
        said = Said(reasoning=("Let me ", "think."))
        async with self.opened() as bench:
            answer = await both(bench, said)
            bench.upstream.will(Answer(said))
            events = await events_of(bench.provider, ask())
        first, *rest = answer.parts
        expect(isinstance(first, ReasoningPart), "The reasoning stands first.")
        same(getattr(first, "text", ""), "Let me think.", "The reasoning")
        same([type(part) for part in rest], [TextPart], "The other parts")
        kinds = [type(e) for e in events if isinstance(e, TextDelta | ReasoningDelta)]
        same(kinds[0], ReasoningDelta, "The first event")

    async def test_the_whole_conversation_reaches_the_vendor(self) -> None:
        messages = (
            Message("system", (TextPart("rule-of-the-house"),)),
            user("first-question"),
            Message("assistant", (TextPart("first-answer"),)),
            user("second-question"),
        )
        async with self.opened() as bench:
            await bench.provider.complete(ask(messages=messages))
            await events_of(bench.provider, ask(messages=messages))
            bodies = list(bench.upstream.bodies)
        same(len(bodies), 2, "The number of requests")
        for body in bodies:
            for text in ("rule-of-the-house", "first-question", "first-answer", "second-question"):
                expect(text.encode() in body, f"The vendor should be sent {text!r}.")

    async def test_a_schema_for_the_answer_reaches_the_vendor(self) -> None:
        self.needs("structured_output")
        wanted = ResponseFormat("json_schema", "zoo", SCHEMA)
        request = ask(response_format=wanted)
        async with self.opened() as bench:
            said = Said(text=('{"zebra_', 'count":', "3}"))
            answer = await both(bench, said, request)
            body = bench.upstream.bodies[-1]
        same(answer.text, '{"zebra_count":3}', "The answer")
        expect(b"zebra_count" in body, "The vendor should be sent the schema.")
