"""What a grader sees: a case, and what a target made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Called:
    """A call of a tool; `arguments` is None where what the model wrote could not be read."""

    name: str
    arguments: Any
    is_error: bool = False


@dataclass(frozen=True)
class Sample:
    """What came of one case.

    `output` is the validated object of an agent with a schema, else None. `cost_usd` is None where
    a price is missing, `steps` where they are not known.
    """

    text: str
    output: Any = None
    calls: Sequence[Called] = ()
    steps: int | None = None
    cost_usd: Decimal | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: float = 0.0
    first_token_ms: float | None = None

    @cached_property
    def document(self) -> Any:
        """The output as JSON, a fenced block's content where that is all; raises ValueError."""
        if self.output is not None:
            return self.output
        return orjson.loads(unfenced(self.text))


@dataclass(frozen=True, slots=True)
class Case:
    """One case as a snapshot keeps it; `input` is a text, or messages."""

    input: Any
    variables: Mapping[str, Any] = field(default_factory=dict)
    expected: Any = None
    tags: Sequence[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The input as one text: of one message its content, of several each with its role."""
        if isinstance(self.input, str):
            return self.input
        if len(self.input) == 1:
            return str(self.input[0]["content"])
        return "\n\n".join(f"{each['role']}: {each['content']}" for each in self.input)


def unfenced(text: str) -> str:
    """What stands in a Markdown fence, where the whole text is one."""
    lines = text.strip().splitlines()
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```":
        return "\n".join(lines[1:-1])
    return text


def as_text(value: Any) -> str:
    """A value as people would write it: a text as it is, else its JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value, default=str).decode()


def known_of(case: Case, sample: Sample) -> dict[str, Any]:
    """What templates of graders may name; `item` is the same as `variables`, as OpenAI calls it."""
    calls = [{"name": each.name, "arguments": each.arguments} for each in sample.calls]
    return {
        "input": case.text,
        "variables": case.variables,
        "item": case.variables,
        "expected": case.expected,
        "metadata": case.metadata,
        "output": sample.text,
        "sample": {
            "output_text": sample.text,
            "output_json": _read(sample),
            "output_tools": calls,
        },
    }


def _read(sample: Sample) -> Any:
    try:
        return sample.document
    except ValueError:
        return None
