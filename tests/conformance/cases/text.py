"""Words in and out: plain, streamed, of several turns, reasoned, structured."""

from tests.conformance.answering import said
from tests.conformance.case import TEXT, Answer, AtLeast, Case, Within, everywhere
from tests.support.fakes.base import Said

USAGE = {"input": 120, "output": 50, "cached": 20, "reasoning": 10}
TURNS = [
    {"role": "user", "content": "Who wrote Faust?"},
    {"role": "assistant", "content": "Goethe did."},
    {"role": "user", "content": "When?"},
]
GOOGLES_TURNS = [
    {
        "role": "model" if turn["role"] == "assistant" else "user",
        "parts": [{"text": turn["content"]}],
    }
    for turn in TURNS
]
CITY = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
PROPERTY = '"name":{"type":"string"}'
THOUGHT = Answer(Said(reasoning=("Let me think.",), signature="c2ln"))
THINKING = {
    "chat": {"reasoning_effort": "high"},
    "responses": {"reasoning": {"effort": "high", "summary": "auto"}},
    "messages": {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 4096},
    "gemini": {"config": {"thinkingConfig": {"thinkingBudget": 2048, "includeThoughts": True}}},
}

WORDS = (
    Case("text", "Plain text", everywhere(), {"text": TEXT, "stop": "stop"}),
    Case(
        "stream",
        "Streamed text",
        everywhere(),
        {"text": TEXT, "stop": "stop", "pieces": AtLeast(3)},
        operation="stream",
    ),
    Case("usage", "Usage, with cached and reasoning tokens", everywhere(), {"usage": USAGE}),
    Case(
        "stream-usage",
        "Usage of a stream",
        everywhere() | {"chat": {"stream_options": {"include_usage": True}}},
        {"usage": USAGE},
        operation="stream",
    ),
    Case(
        "system",
        "System prompt",
        {
            "chat": {
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "Hello"},
                ]
            },
            "responses": {"instructions": "Be brief."},
            "messages": {"system": "Be brief."},
            "gemini": {"config": {"systemInstruction": {"parts": [{"text": "Be brief."}]}}},
        },
        {"text": TEXT},
        sent={
            "chat": {"messages.0.content": Within("Be brief."), "messages.1.role": "user"},
            "responses": {"instructions": "Be brief."},
            "anthropic": {"system": Within("Be brief."), "messages.0.role": "user"},
            "gemini": {"systemInstruction.parts.0.text": "Be brief."},
        },
    ),
    Case(
        "turns",
        "Several turns",
        {
            "chat": {"messages": TURNS},
            "responses": {"input": TURNS},
            "messages": {"messages": TURNS},
            "gemini": {"contents": GOOGLES_TURNS},
        },
        {"text": TEXT},
        sent={
            "chat": {
                "messages.1.role": "assistant",
                "messages.1.content": Within("Goethe did."),
                "messages.2.content": Within("When?"),
            },
            "responses": {"input.1.content": "Goethe did.", "input.2.content": "When?"},
            "anthropic": {
                "messages.1.role": "assistant",
                "messages.1.content": Within("Goethe did."),
                "messages.2.content": Within("When?"),
            },
            "gemini": {
                "contents.1.role": "model",
                "contents.1.parts.0.text": "Goethe did.",
                "contents.2.parts.0.text": "When?",
            },
        },
    ),
    Case(
        "reasoning",
        "Reasoning asked for and shown",
        THINKING,
        {"text": TEXT, "reasoning": "Let me think."},
        says=THOUGHT,
        sent={
            "chat": {"reasoning_effort": Within("")},
            "responses": {"reasoning.effort": "high"},
            "anthropic": {"thinking.type": Within("")},
            "gemini": {"generationConfig.thinkingConfig": Within("")},
        },
    ),
    Case(
        "stream-reasoning",
        "Reasoning in a stream",
        {dialect: {} for dialect in THINKING},
        {"text": TEXT, "reasoning": "Let me think."},
        operation="stream",
        says=THOUGHT,
    ),
    Case(
        "schema",
        "Structured output by a JSON schema",
        {
            "chat": {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "city", "schema": CITY, "strict": True},
                }
            },
            "responses": {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "city",
                        "schema": CITY,
                        "strict": True,
                    }
                }
            },
            "messages": {"output_config": {"format": {"type": "json_schema", "schema": CITY}}},
            "gemini": {
                "config": {
                    "responseMimeType": "application/json",
                    "responseJsonSchema": CITY,
                }
            },
        },
        {"text": '{"name": "Basel"}'},
        says=said('{"name": ', '"Basel"}'),
        sent={
            "chat": {"response_format.json_schema": Within(PROPERTY)},
            "responses": {"text.format.schema": Within(PROPERTY)},
            "anthropic": {"output_config.format.schema": Within(PROPERTY)},
            "gemini": {"generationConfig": Within(PROPERTY)},
        },
    ),
    Case(
        "json",
        "JSON without a schema",
        {
            "chat": {"response_format": {"type": "json_object"}},
            "responses": {"text": {"format": {"type": "json_object"}}},
            "gemini": {"config": {"responseMimeType": "application/json"}},
        },
        {"text": "{}"},
        says=said("{}"),
        sent={
            "chat": {"response_format.type": "json_object"},
            "responses": {"text.format.type": "json_object"},
            "gemini": {"generationConfig.responseMimeType": "application/json"},
        },
    ),
)
