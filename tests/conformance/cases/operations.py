"""What is asked beside an answer: counts, models, vectors; and an answer that is not waited for."""

from tests.conformance.answering import VECTOR, falling_silent, thinking_long, vectors
from tests.conformance.case import GREETING as HELLO
from tests.conformance.case import TEXT, AtLeast, Case, Within, everywhere

OPERATIONS = (
    Case(
        "count",
        "Tokens are counted before the request",
        {"responses": {}, "messages": {"system": "Be brief."}, "gemini": {}},
        {"answer": AtLeast(1)},
        operation="count",
    ),
    Case(
        "models",
        "Models are listed",
        {"chat": {}, "messages": {}, "gemini": {}},
        {"answer": Within("-fake")},
        operation="models",
    ),
    Case(
        "model",
        "A model is shown",
        {"chat": {}, "messages": {}, "gemini": {}},
        {"answer": Within("-fake")},
        operation="model",
    ),
    Case(
        "embeddings",
        "Embeddings",
        {"chat": {"input": "Hello"}, "gemini": {"contents": HELLO["gemini"]["contents"]}},
        {"answer": VECTOR},
        operation="embed",
        says=vectors(),
    ),
    Case(
        "keep-alive",
        "A stream is kept alive while the model thinks",
        everywhere(),
        {"text": TEXT, "stop": "stop"},
        operation="stream",
        says=thinking_long(),
        pings=True,
    ),
    Case(
        "abort",
        "A client that hangs up closes the upstream",
        everywhere(),
        {"pieces": 1},
        operation="abort",
        says=falling_silent(),
    ),
)
