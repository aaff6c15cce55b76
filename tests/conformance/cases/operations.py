"""What is asked beside an answer: counts, models, vectors; and an answer that is not waited for."""

from tests.conformance.answering import VECTOR, falling_silent, vectors
from tests.conformance.case import GREETING as HELLO
from tests.conformance.case import AtLeast, Case, Within, everywhere

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
        "abort",
        "A client that hangs up closes the upstream",
        everywhere(),
        {"pieces": 1},
        operation="abort",
        says=falling_silent(),
    ),
)
