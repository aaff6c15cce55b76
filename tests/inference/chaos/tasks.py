"""What clients ask of the scripted providers: to count, so that nothing can be lost unseen."""

import re
from dataclasses import dataclass
from typing import Any

ASKED = re.compile(r"^Count (\w+) to (\d+)\.")
WORD = re.compile(r"\S+ ?")
CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True)
class Task:
    """Write `name.1 name.2 …` up to `count`: every word names its answer and its place in it."""

    name: str
    count: int

    @property
    def prompt(self) -> str:
        return f"Count {self.name} to {self.count}."

    @property
    def text(self) -> str:
        return "".join(f"{self.name}.{n} " for n in range(1, self.count + 1))

    @property
    def max_tokens(self) -> int:
        """As many as the whole answer has, and not one more."""
        return tokens_of(self.text)


@dataclass(frozen=True)
class Asked:
    """A request as a provider reads it: the task, what stands of its answer, and its length."""

    task: Task
    said: str
    input_tokens: int

    @property
    def rest(self) -> tuple[str, ...]:
        """The words that are missing."""
        return tuple(WORD.findall(self.task.text[len(self.said) :]))

    @property
    def continues_rightly(self) -> bool:
        return self.task.text.startswith(self.said)


def tokens_of(text: str) -> int:
    return -(-len(text) // CHARACTERS_A_TOKEN)


def read_asked(body: dict[str, Any]) -> Asked:
    """Read a request of any of the three vendors; raises ValueError for one that is not ours."""
    turns = [(turn["role"], text_in(turn)) for turn in body.get("messages") or body["contents"]]
    prompt = next(text for role, text in turns if role == "user")
    found = ASKED.match(prompt)
    if found is None:
        raise ValueError(prompt)
    said = "".join(text for role, text in turns if role in ("assistant", "model"))
    length = sum(len(text) for _, text in turns)
    task = Task(found[1], int(found[2]))
    return Asked(task, said, -(-length // CHARACTERS_A_TOKEN))


def text_in(turn: dict[str, Any]) -> str:
    content = turn.get("content") or turn.get("parts") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)
