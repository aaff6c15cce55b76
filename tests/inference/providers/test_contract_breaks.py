"""The contract notices a provider that breaks it."""

import asyncio
from dataclasses import replace

import pytest

from app.inference.providers.contract import ProviderContract
from app.inference.providers.contract.checks import ContractBroken, expect_well_formed
from app.inference.providers.openai_chat import Flavour, OpenAIChatCodec
from app.inference.providers.openai_chat.decode import ChunkDecoder
from app.inference.providers.registry import OWN
from app.inference.providers.types import (
    Finished,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)
from tests.inference.providers.contract_upstreams import GeminiUpstream, OpenAIUpstream

OURS = {kind.name: kind for kind in OWN}


class Careless(OpenAIChatCodec):
    def __init__(self, base_url):
        super().__init__(base_url, Flavour())


class Drops(Careless):
    def encode(self, request, *, streaming):
        return super().encode(replace(request, temperature=None), streaming=streaming)


class TakesTooMuch(Careless):
    def __init__(self, base_url):
        super().__init__(base_url)
        self.takes |= {"top_k"}

    def encode(self, request, *, streaming):
        return super().encode(replace(request, top_k=None), streaming=streaming)


class EndsClean(Careless):
    def decoder(self):
        class Decoder(ChunkDecoder):
            def end(self):
                return [Finished("stop", "m", "1")]

        return Decoder()


class Miscounts(Careless):
    def decode(self, body):
        result = super().decode(body)
        return replace(result, usage=replace(result.usage, input_tokens=100))


class AllText(Careless):
    def decoder(self):
        class Decoder(ChunkDecoder):
            def feed(self, data):
                for event in super().feed(data):
                    yield TextDelta(event.text) if hasattr(event, "text") else event

        return Decoder()


class OnePage(OURS["gemini"].codec):
    def decode_models(self, body):
        return super().decode_models(body)[0], None


class Whole:
    """A plug-in's whole provider that our own asks for, but for what a subclass does wrong."""

    name = dialect = "whole"
    label = "Whole"
    base_url = "https://whole.example"
    key_variable = address_variable = None
    needs_key = True

    def takes(self, base_url):
        return OURS["openai"].takes(base_url)

    def build(self, connection):
        self.inner = OURS["openai"].build(connection)
        return self

    def __getattr__(self, name):
        return getattr(self.inner, name)


class LetsItRun(Whole):
    """It asks in a task of its own, which nobody cancels."""

    async def complete(self, request, waits):
        self.task = asyncio.create_task(self.inner.complete(request, waits))
        return await asyncio.shield(self.task)


class AsksTwice(Whole):
    async def complete(self, request, waits):
        await self.inner.complete(request, waits)
        return await self.inner.complete(request, waits)


def case(made, upstream=OpenAIUpstream):
    kind = made if isinstance(made, Whole) else replace(OURS["groq"], codec=made)
    if upstream is GeminiUpstream:
        kind = replace(OURS["gemini"], codec=made)
    return type("Case", (ProviderContract,), {"kind": kind, "upstream": upstream})()


BREAKS = [
    (case(Drops), "a_field_that_it_has_words_for_is_never_dropped", "`temperature`"),
    (case(TakesTooMuch), "a_field_that_it_has_words_for_is_never_dropped", "`top_k`"),
    (case(EndsClean), "an_end_without_its_closing_marker_is_no_clean_end", "ended well"),
    (case(Miscounts), "usage_is_told", "All input"),
    (case(AllText), "reasoning_comes_before_the_text_and_is_none_of_it", "streamed"),
    (case(OnePage, GeminiUpstream), "all_pages_of_the_models_are_read", "The models"),
    (case(LetsItRun()), "a_call_that_is_cancelled_lets_go_of_the_vendor_at_once", "let go"),
    (case(AsksTwice()), "it_is_what_its_kind_says", "one request"),
]


@pytest.mark.parametrize(("broken", "name", "said"), BREAKS)
async def test_a_broken_promise_is_named(broken, name, said):
    with pytest.raises(ContractBroken, match=said):
        await getattr(broken, f"test_{name}")()


END = Finished("stop", "m", "1")


@pytest.mark.parametrize(
    "events",
    [
        [],
        [TextDelta("x")],
        [END, TextDelta("x")],
        [END, END],
        [ToolCallStart(1, "a", "f"), END],
        [ToolCallDelta(0, "{}"), END],
        [ToolCallStart(0, "", "f"), END],
        [ToolCallStart(0, "a", "f"), ToolCallStart(1, "a", "f"), END],
        [UsageReport(Usage(-1, 0)), END],
    ],
)
def test_events_in_disorder_are_noticed(events):
    with pytest.raises(ContractBroken):
        expect_well_formed(events)
