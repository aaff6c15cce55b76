"""What the demo says: a deterministic function of the conversation."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from app.inference.providers.demo.examples import example
from app.inference.providers.types import CONTINUE_PROMPT, TITLE_PROMPT

QUESTION_LIMIT = 200
TOKEN = re.compile(r"\s*\S+\s*$|\s*\S+")
REASONING = (
    "This is the demo provider, so there is nothing to think about: it shows where a model's "
    "reasoning would appear, one piece after another, ahead of the answer."
)
TEMPLATE = (
    "This is the demo provider of Luminous, answering without any model. You asked: “{question}” "
    "A real model would think about that now; the demo only repeats it, word by word, so that you "
    "can watch an answer stream, stop it, resume it and find it again in its conversation. "
    "Everything around these words is real. For a real answer, add a key such as OPENAI_API_KEY, "
    "ANTHROPIC_API_KEY or GEMINI_API_KEY to the .env file and start again, or add an integration."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the request, as far as the demo reads it."""

    role: str
    text: str


def read_lines(messages: Any) -> list[Line]:
    """Read the messages; raises ValueError for what is none."""
    if not isinstance(messages, list) or not messages:
        raise ValueError("`messages` must be a list with at least one message.")
    lines = []
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise ValueError("Each message needs a `role`.")  # noqa: TRY004 - one kind for callers
        lines.append(Line(message["role"], content_text(message.get("content"))))
    return lines


def content_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (part.get("text") for part in content if isinstance(part, dict))
    return " ".join(text for text in texts if isinstance(text, str))


def answer(lines: list[Line], tokens: int | None, response_format: Any) -> str:
    """Write the text for a conversation, or the rest of it where one was cut off."""
    if (title := read_title(lines)) is not None:
        return title
    question, partial = read_continuation(lines)
    text = full_answer(lines, question, response_format)
    if tokens is not None:
        text = of_length(text, tokens)
    return text.removeprefix(partial)


def full_answer(lines: list[Line], question: str, response_format: Any) -> str:
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    if kind == "json_object":
        return orjson.dumps({"provider": "demo", "question": question}).decode()
    if kind == "json_schema":
        schema = (response_format.get("json_schema") or {}).get("schema") or {}
        return orjson.dumps(example(schema)).decode()
    if lines[-1].role == "tool":
        return f"This is the demo provider. The tool answered: {shorten(lines[-1].text)}"
    return TEMPLATE.format(question=question)


def read_title(lines: list[Line]) -> str | None:
    if not any(line.role == "system" and line.text.startswith(TITLE_PROMPT) for line in lines):
        return None
    asked = next((line.text for line in lines if line.role == "user"), "")
    words = [word.strip(".,;:!?\"'()[]{}") for word in asked.split()]
    title = " ".join([word for word in words if word][:6])[:80]
    return title[:1].upper() + title[1:] or "Demo conversation"


def read_continuation(lines: list[Line]) -> tuple[str, str]:
    """Find the question that is answered, and what has been said to it if it is to be continued."""
    asked = [i for i, line in enumerate(lines) if is_question(line)]
    if not asked:
        return "", ""
    question = shorten(lines[asked[-1]].text)
    if lines[-1] != Line("user", CONTINUE_PROMPT):
        return question, ""
    said = (line.text for line in lines[asked[-1] + 1 :] if line.role == "assistant")
    return question, "".join(said)


def is_question(line: Line) -> bool:
    return line.role == "user" and line.text != CONTINUE_PROMPT


def shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= QUESTION_LIMIT else text[: QUESTION_LIMIT - 1] + "…"


def of_length(text: str, tokens: int) -> str:
    """Cut or repeat a text so that it has so many tokens."""
    pieces = tokenise(text)
    repeated = (pieces[i % len(pieces)] for i in range(tokens))
    return " ".join(piece.strip() for piece in repeated)


def tokenise(text: str) -> list[str]:
    """Split into words that join to exactly the same text."""
    return TOKEN.findall(text) or ([text] if text else [])


def count_words(lines: list[Line]) -> int:
    return sum(len(line.text.split()) for line in lines)
