"""What a request may set, and what is refused by its name before anything is sent."""

from contextlib import suppress
from typing import Any, Final

from app.inference.providers.codec import HINTS, OPTIONAL
from app.inference.providers.contract.bench import Contract
from app.inference.providers.contract.calling import WEATHER
from app.inference.providers.contract.checks import ask, both_ways, error_of, expect, same
from app.inference.providers.errors import ProviderRejected
from app.inference.providers.types import (
    ChatRequest,
    ImagePart,
    Message,
    ResponseFormat,
    ToolCallPart,
)

# A value that says something, by field; with it go the fields without which it makes no sense.
VALUES: Final[dict[str, Any]] = {
    "tools": (WEATHER,),
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "response_format": ResponseFormat("json_object"),
    "temperature": 0.3,
    "top_p": 0.7,
    "max_output_tokens": 123,
    "stop": ("END",),
    "seed": 42,
    "reasoning_effort": "low",
    "reasoning_budget": 2048,
    "shows_reasoning": False,
    "user": "customer-7",
    "top_k": 17,
    "frequency_penalty": 0.25,
    "presence_penalty": 0.5,
    "logit_bias": {"50256": -10},
    "logprobs": True,
    "top_logprobs": 3,
    "verbosity": "low",
    "service_tier": "flex",
    "cache_key": "conversation-7",
    "metadata": {"team": "blue"},
}
BESIDE: Final[dict[str, tuple[str, ...]]] = {
    "tool_choice": ("tools",),
    "parallel_tool_calls": ("tools",),
    "shows_reasoning": ("reasoning_effort",),
    "top_logprobs": ("logprobs",),
}


def beside(name: str, takes: frozenset[str]) -> dict[str, Any]:
    return {other: VALUES[other] for other in BESIDE.get(name, ()) if other in takes}


class Refusing(Contract):
    async def test_a_field_that_it_has_no_words_for_is_refused_by_name(self) -> None:
        async with self.opened() as bench:
            for name in OPTIONAL.keys() - HINTS - bench.kind.takes(bench.upstream.base_url):
                request = ask(**{name: VALUES[name]})
                for call in both_ways(bench.provider, request):
                    error = await error_of((ProviderRejected,), call)
                    expect(f"`{name}`" in error.detail, f"The refusal should name `{name}`.")
            same(list(bench.upstream.bodies), [], "What is sent of a request that is refused")

    async def test_a_field_that_it_has_words_for_is_never_dropped(self) -> None:
        """It is told to the vendor, or this value of it refused."""
        async with self.opened() as bench:
            takes = bench.kind.takes(bench.upstream.base_url)
            for name in sorted(takes - self.traceless):
                others = beside(name, takes)
                await bench.provider.complete(ask(**others))
                with suppress(ProviderRejected):
                    await bench.provider.complete(ask(**others, **{name: VALUES[name]}))
                    without, with_it = bench.upstream.bodies[-2:]
                    expect(without != with_it, f"The vendor should be told of `{name}`.")

    async def test_a_part_where_it_does_not_belong_is_refused(self) -> None:
        wrong = (
            Message("system", (ImagePart("image/png", b"x"),)),
            Message("user", (ToolCallPart("1", "f", "{}"),)),
        )
        async with self.opened() as bench:
            for message in wrong:
                request = ChatRequest("model-a", (message,))
                error = await error_of((ProviderRejected,), bench.provider.complete(request))
                name = type(message.parts[0]).__name__
                expect(name in error.detail, f"The refusal should name {name}.")
            same(list(bench.upstream.bodies), [], "What is sent of a request that is refused")
