"""Tools: offered, called, called in parallel, answered."""

from app.inference.providers.contract.bench import Contract
from app.inference.providers.contract.checks import ask, events_of, expect, same, user
from app.inference.providers.contract.script import Answer, Said
from app.inference.providers.contract.speaking import both
from app.inference.providers.types import (
    Message,
    NamedTool,
    Part,
    TextPart,
    ToolCallDelta,
    ToolCallPart,
    ToolCallStart,
    ToolResultPart,
    ToolSpec,
)

WEATHER = ToolSpec(
    "get_weather",
    "The weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
PARIS = ("call_1", "get_weather", {"city": "Paris"})
ROME = ("call_2", "get_weather", {"city": "Rome"})


def calls_in(parts: tuple[Part, ...]) -> list[tuple[str, str]]:
    """Name and arguments, without the spaces that a vendor may write."""
    return [
        (part.name, part.arguments.replace(" ", ""))
        for part in parts
        if isinstance(part, ToolCallPart)
    ]


class Calling(Contract):
    async def test_a_tool_is_offered_and_its_call_told(self) -> None:
        self.needs("tools")
        async with self.opened() as bench:
            answer = await both(bench, Said(text=(), calls=(PARIS,)), ask(tools=(WEATHER,)))
            body = bench.upstream.bodies[-1]
        same(calls_in(answer.parts), [("get_weather", '{"city":"Paris"}')], "The calls")
        same(answer.finish_reason, "tool_calls", "The ending")
        for text in (b"get_weather", b"The weather of a city.", b"city"):
            expect(text in body, f"The vendor should be sent {text!r}.")

    async def test_parallel_calls_keep_apart(self) -> None:
        self.needs("parallel_tools")
        said = Said(text=("Let me see.",), calls=(PARIS, ROME))
        async with self.opened() as bench:
            answer = await both(bench, said, ask(tools=(WEATHER,)))
            bench.upstream.will(Answer(said))
            events = await events_of(bench.provider, ask(tools=(WEATHER,)))
        wanted = [("get_weather", '{"city":"Paris"}'), ("get_weather", '{"city":"Rome"}')]
        same(calls_in(answer.parts), wanted, "The calls")
        same(answer.text, "Let me see.", "The text before them")
        starts = [event for event in events if isinstance(event, ToolCallStart)]
        same([start.index for start in starts], [0, 1], "The indexes")
        told = ["", ""]
        for event in events:
            if isinstance(event, ToolCallDelta):
                told[event.index] += event.arguments.replace(" ", "")
        same(told, [arguments for _, arguments in wanted], "The streamed arguments")

    async def test_a_call_without_arguments_has_an_empty_object(self) -> None:
        self.needs("tools")
        async with self.opened() as bench:
            answer = await both(bench, Said(text=(), calls=(("call_1", "now", {}),)))
        same(calls_in(answer.parts), [("now", "{}")], "The calls")

    async def test_what_a_tool_gave_reaches_the_vendor(self) -> None:
        self.needs("tools")
        dialect = self.kind.dialect
        call = ToolCallPart("call_1", "get_weather", '{"city":"Paris"}', None, dialect)
        result = ToolResultPart("call_1", "get_weather", "twenty-degrees")
        messages = (
            user("How warm is it?"),
            Message("assistant", (TextPart("Let me see."), call)),
            Message("tool", (result,)),
        )
        async with self.opened() as bench:
            await bench.provider.complete(ask(messages=messages, tools=(WEATHER,)))
            body = bench.upstream.bodies[-1]
        for text in (b"twenty-degrees", b"Paris", b"get_weather"):
            expect(text in body, f"The vendor should be sent {text!r}.")

    async def test_another_dialects_signatures_are_not_sent(self) -> None:
        self.needs("tools")
        call = ToolCallPart("call_1", "get_weather", "{}", "signed-elsewhere", "elsewhere")
        result = ToolResultPart("call_1", "get_weather", "twenty-degrees")
        messages = (user("Hi"), Message("assistant", (call,)), Message("tool", (result,)))
        async with self.opened() as bench:
            await bench.provider.complete(ask(messages=messages, tools=(WEATHER,)))
            body = bench.upstream.bodies[-1]
        expect(b"signed-elsewhere" not in body, "A foreign signature should not be sent.")

    async def test_a_tool_that_must_be_called_is_named(self) -> None:
        self.needs("tools")
        async with self.opened() as bench:
            if "tool_choice" not in bench.kind.takes(bench.upstream.base_url):
                return
            free = ask(tools=(WEATHER,))
            forced = ask(tools=(WEATHER,), tool_choice=NamedTool("get_weather"))
            for request in (free, forced):
                await bench.provider.complete(request)
            first, second = bench.upstream.bodies
        expect(first != second, "The tool that must be called should be told to the vendor.")
