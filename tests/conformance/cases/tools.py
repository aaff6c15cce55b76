"""Tools: declared, called, answered, forced."""

from typing import Any

from tests.conformance.answering import said
from tests.conformance.case import GREETING, TEXT, Answer, Case, Json, Within
from tests.support.fakes.base import Said

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
ABOUT = {"name": "get_weather", "description": "The weather of a city."}
PARAMETERS = ABOUT | {"parameters": SCHEMA, "strict": True}
WEATHER: dict[Any, Json] = {
    "chat": {"tools": [{"type": "function", "function": PARAMETERS}]},
    "responses": {"tools": [{"type": "function"} | PARAMETERS]},
    "messages": {"tools": [ABOUT | {"input_schema": SCHEMA}]},
    "gemini": {
        "config": {"tools": [{"functionDeclarations": [ABOUT | {"parametersJsonSchema": SCHEMA}]}]}
    },
}
PROPERTY = '"city":{"type":"string"}'
PARIS = ("call_1", "get_weather", {"city": "Paris"})
ROME = ("call_2", "get_weather", {"city": "Rome"})
ONE_CALL = said(calls=(PARIS,))
BOTH = [["get_weather", {"city": "Paris"}], ["get_weather", {"city": "Rome"}]]


def with_weather(more: dict[Any, Json]) -> dict[Any, Json]:
    """The tool beside other arguments; Google's stand in one configuration."""
    asks = {dialect: WEATHER[dialect] | asked for dialect, asked in more.items()}
    if "gemini" in more:
        asks["gemini"] = {"config": WEATHER["gemini"]["config"] | more["gemini"]}
    return asks


def chat_result(answer: Json) -> Json:
    message = answer["choices"][0]["message"]
    kept = {name: value for name, value in message.items() if value is not None}
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}
        for call in message["tool_calls"]
    ]
    return WEATHER["chat"] | {"messages": [*GREETING["chat"]["messages"], kept, *results]}


def response_result(answer: Json) -> Json:
    output = [{n: v for n, v in item.items() if v is not None} for item in answer["output"]]
    results = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "sunny"}
        for item in output
        if item["type"] == "function_call"
    ]
    hello = {"role": "user", "content": "Hello"}
    return WEATHER["responses"] | {"input": [hello, *output, *results]}


def message_result(answer: Json) -> Json:
    content = [{n: v for n, v in block.items() if v is not None} for block in answer["content"]]
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "sunny"}
        for block in content
        if block["type"] == "tool_use"
    ]
    turns = [
        {"role": "assistant", "content": content},
        {"role": "user", "content": results},
    ]
    return WEATHER["messages"] | {"messages": [*GREETING["messages"]["messages"], *turns]}


def gemini_result(answer: Json) -> Json:
    content = answer["candidates"][0]["content"]
    results = [
        {"functionResponse": call | {"response": {"output": "sunny"}}}
        for part in content["parts"]
        if "functionCall" in part
        for call in [{n: v for n, v in part["functionCall"].items() if n in ("id", "name")}]
    ]
    turns = [*GREETING["gemini"]["contents"], content, {"role": "user", "parts": results}]
    return WEATHER["gemini"] | {"contents": turns}


THEN = {
    "chat": chat_result,
    "responses": response_result,
    "messages": message_result,
    "gemini": gemini_result,
}
RESULT_SENT: dict[Any, Json] = {
    "chat": {"messages.1.tool_calls": Within("Paris"), "messages.2.content": Within("sunny")},
    "responses": {"input": Within('"function_call_output"')},
    "anthropic": {"messages.1.content": Within("Paris"), "messages.2.content": Within("sunny")},
    "gemini": {"contents.1.parts": Within("Paris"), "contents.2.parts": Within("sunny")},
}

TOOLS = (
    Case(
        "tool",
        "Tool call",
        WEATHER,
        {"calls": BOTH[:1], "stop": "tool_calls"},
        says=ONE_CALL,
        sent={
            "chat": {"tools.0.function.parameters": Within(PROPERTY)},
            "responses": {"tools.0.parameters": Within(PROPERTY)},
            "anthropic": {"tools.0.input_schema": Within(PROPERTY)},
            "gemini": {"tools.0.functionDeclarations.0": Within(PROPERTY)},
        },
    ),
    Case(
        "parallel",
        "Parallel tool calls",
        WEATHER,
        {"calls": BOTH, "stop": "tool_calls"},
        says=said(calls=(PARIS, ROME)),
    ),
    Case(
        "stream-parallel",
        "Parallel tool calls in a stream, after text",
        WEATHER,
        {"calls": BOTH, "stop": "tool_calls", "text": "Let me look."},
        operation="stream",
        says=said("Let me ", "look.", calls=(PARIS, ROME)),
    ),
    Case(
        "round-trip",
        "Tool results go back",
        WEATHER,
        {"text": TEXT, "stop": "stop"},
        says=said(calls=(PARIS, ROME)),
        then=THEN,
        sent=RESULT_SENT,
    ),
    Case(
        "signed-round-trip",
        "Reasoning and its signature go back to the model that signed them",
        WEATHER,
        {"text": TEXT},
        says=Answer(Said(text=(), reasoning=("Hm.",), signature="c2ln", calls=(PARIS,))),
        then=THEN,
        sent=RESULT_SENT
        | {
            "anthropic": {"messages.1.content": Within("c2ln")},
            "gemini": {"contents.1.parts": Within("c2ln")},
        },
    ),
    Case(
        "forced",
        "A tool is forced by its name",
        with_weather(
            {
                "chat": {"tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
                "responses": {"tool_choice": {"type": "function", "name": "get_weather"}},
                "messages": {"tool_choice": {"type": "tool", "name": "get_weather"}},
                "gemini": {
                    "toolConfig": {
                        "functionCallingConfig": {
                            "mode": "ANY",
                            "allowedFunctionNames": ["get_weather"],
                        }
                    }
                },
            }
        ),
        {"calls": BOTH[:1]},
        says=ONE_CALL,
        sent={
            "chat": {"tool_choice.function.name": "get_weather"},
            "responses": {"tool_choice.name": "get_weather"},
            "anthropic": {"tool_choice.name": "get_weather"},
            "gemini": {"toolConfig.functionCallingConfig.allowedFunctionNames.0": "get_weather"},
        },
    ),
    Case(
        "no-tools",
        "Tools are declared and may not be called",
        with_weather(
            {
                "chat": {"tool_choice": "none"},
                "responses": {"tool_choice": "none"},
                "messages": {"tool_choice": {"type": "none"}},
                "gemini": {"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}},
            }
        ),
        {"text": TEXT},
        sent={
            "chat": {"tool_choice": "none"},
            "responses": {"tool_choice": "none"},
            "anthropic": {"tool_choice.type": "none"},
            "gemini": {"toolConfig.functionCallingConfig.mode": "NONE"},
        },
    ),
    Case(
        "one-at-a-time",
        "No parallel tool calls",
        with_weather(
            {
                "chat": {"parallel_tool_calls": False},
                "responses": {"parallel_tool_calls": False},
                "messages": {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            }
        ),
        {"calls": BOTH[:1]},
        says=ONE_CALL,
        sent={
            "chat": {"parallel_tool_calls": False},
            "responses": {"parallel_tool_calls": False},
            "anthropic": {"tool_choice.disable_parallel_tool_use": True},
        },
    ),
    Case(
        "vendor-tool",
        "A tool that the vendor itself runs",
        {
            "chat": {"web_search_options": {}},
            "responses": {"tools": [{"type": "web_search"}]},
            "messages": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            "gemini": {"config": {"tools": [{"codeExecution": {}}]}},
        },
        {"text": TEXT},
        sent={
            "chat": {"web_search_options": {}},
            "responses": {"tools.0.type": "web_search"},
            "anthropic": {"tools.0.type": "web_search_20250305"},
            "gemini": {"tools.0": {"codeExecution": {}}},
        },
    ),
)
