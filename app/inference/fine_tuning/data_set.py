"""A data set in JSON Lines, checked before anybody trains on it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any, Final, Literal

import orjson

from app.core.errors import FieldError
from app.core.json_limits import too_deep
from app.inference.fine_tuning.errors import DataSetInvalid
from app.inference.usage.service import estimate_text

Method = Literal["supervised", "dpo"]
LEAST_EXAMPLES: Final = 10
MOST_EXAMPLES: Final = 1_000_000
MOST_TOLD: Final = 50
ROLES: Final = ("assistant", "developer", "function", "system", "tool", "user")
# Where nobody says how long an example may be.
USUAL_WINDOW: Final = 65_536


@dataclass(slots=True)
class Report:
    """What was found; `tokens` are estimated, about four characters each.

    `repeated` are lines that say what an earlier one says.
    """

    examples: int = 0
    tokens: int = 0
    longest: int = 0
    repeated: list[int] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        return asdict(self) | {"repeated": self.repeated[:MOST_TOLD]}


def check(
    content: bytes, method: Method, window: int | None, *, least: int = LEAST_EXAMPLES
) -> Report:
    """Raises DataSetInvalid, with the numbers of the lines at fault."""
    report, mistakes, seen = Report(), list[FieldError](), set[bytes]()
    for number, raw in enumerate(content.splitlines(), 1):
        if not raw.strip():
            continue
        said, tokens = _measured(raw, method, window or USUAL_WINDOW)
        if said:
            mistakes.append(FieldError(f"/lines/{number}", "example_invalid", said))
        if len(mistakes) >= MOST_TOLD:
            break
        _count(report, number, raw, tokens, seen)
    mistakes += [] if mistakes else _wrong_number(report.examples, least)
    if mistakes:
        first = mistakes[0]
        raise DataSetInvalid(f"{first.pointer} {first.detail}.", errors=tuple(mistakes))
    return report


def _measured(raw: bytes, method: Method, most: int) -> tuple[str, int]:
    """What is wrong with a line, and its tokens."""
    said = mistake_in(raw, method)
    if said:
        return said, 0
    tokens = tokens_in(orjson.loads(raw))
    if tokens > most:
        return f"takes about {tokens:,} tokens, and the model reads {most:,}", tokens
    return "", tokens


def _wrong_number(examples: int, least: int) -> list[FieldError]:
    if examples < least:
        said = f"holds {examples} examples, and at least {least} are needed"
        return [FieldError("/lines", "too_few_examples", said)]
    if examples > MOST_EXAMPLES:
        said = f"holds more than {MOST_EXAMPLES:,} examples"
        return [FieldError("/lines", "too_many_examples", said)]
    return []


def _count(report: Report, number: int, raw: bytes, tokens: int, seen: set[bytes]) -> None:
    report.examples += 1
    report.tokens += tokens
    report.longest = max(report.longest, tokens)
    digest = blake2b(raw.strip(), digest_size=16).digest()
    if digest in seen:
        report.repeated.append(number)
    seen.add(digest)


def mistake_in(raw: bytes, method: Method) -> str:
    """What is wrong with a line; nothing where it can be trained on."""
    try:
        example = orjson.loads(raw)
    except ValueError:
        return "is no JSON"
    if not isinstance(example, dict):
        return "is no JSON object"
    if too_deep(raw, example) is not None:
        return "is nested too deeply"
    if method == "supervised":
        return next(_in_chat(example.get("messages"), "messages", answered=True), "")
    return next(_in_preference(example), "")


def _in_chat(messages: Any, name: str, *, answered: bool) -> Iterator[str]:
    if not isinstance(messages, list) or not messages:
        yield f"needs `{name}`, a list of messages"
        return
    for place, message in enumerate(messages):
        yield from _in_message(message, f"{name}[{place}]")
    answers = [m for m in messages if m.get("role") == "assistant"]
    if answered and not answers:
        yield f"has no answer: one of `{name}` must be the assistant's"
    elif answered and messages[-1].get("role") != "assistant":
        yield f"must end with the assistant's answer, not with `{messages[-1].get('role')}`"
    elif answered and all(m.get("weight") == 0 for m in answers):
        yield "has no answer to learn from: every weight is 0"


def _in_message(message: Any, place: str) -> Iterator[str]:
    if not isinstance(message, dict):
        yield f"has a `{place}` that is no object"
        return
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        yield f"has a `{place}.role` that is none of {', '.join(ROLES)}"
    calls = message.get("tool_calls") or message.get("function_call")
    if not (content and isinstance(content, str | list)) and not (role == "assistant" and calls):
        yield f"has no text in `{place}.content`"
    if message.get("weight") not in (None, 0, 1):
        yield f"has a `{place}.weight` that is neither 0 nor 1"
    elif message.get("weight") is not None and role != "assistant":
        yield f"has a `{place}.weight`, which is for the assistant's messages"


def _in_preference(example: dict[str, Any]) -> Iterator[str]:
    given = example.get("input")
    if not isinstance(given, dict):
        yield "needs `input`, an object with `messages`"
        return
    yield from _in_chat(given.get("messages"), "input.messages", answered=False)
    for name in ("preferred_output", "non_preferred_output"):
        yield from _in_chat(example.get(name), name, answered=True)
    if example.get("preferred_output") == example.get("non_preferred_output"):
        yield "prefers an answer to itself"


def tokens_in(value: Any) -> int:
    """Tokens of all that is said in an example, roughly."""
    if isinstance(value, str):
        return estimate_text(value)
    if isinstance(value, dict):
        return sum(tokens_in(each) for name, each in value.items() if name != "role")
    if isinstance(value, list):
        return sum(4 + tokens_in(each) for each in value)
    return 0
