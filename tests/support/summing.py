"""A fake model that sums up where it is asked to, and answers otherwise."""

from collections import deque
from collections.abc import Callable
from typing import Any

from app.agents.context.summarising import TASK
from tests.support.fakes.base import Action, Fake, Said, say

BEGIN = TASK.split(".", 1)[0]
USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}


def system_of(request: Any) -> str:
    """The prompt of the system that a fake of OpenAI was shown."""
    messages = request.body["messages"]
    return messages[0]["content"] if messages[0]["role"] == "system" else ""


def is_summary(request: Any) -> bool:
    return system_of(request).startswith(BEGIN)


class Scribe(deque):
    """A script that never ends: the nth summary is "Summary n.", or what `summaries` say.

    Other requests are answered by `answer`, or with "Answer n.".
    """

    def __init__(self, fake: Fake, answer: Callable[[Any], Action | str] | None = None) -> None:
        super().__init__()
        self.fake = fake
        self.answer = answer or (lambda _: f"Answer {len(self.asked)}.")
        self.summaries: deque[Action | str] = deque()
        fake.script = self

    def __bool__(self) -> bool:
        return True

    def popleft(self) -> Action:
        return self._act

    @property
    def asked(self) -> list[Any]:
        """The requests for answers."""
        return [each for each in self._made() if not is_summary(each)]

    @property
    def summed(self) -> list[Any]:
        """The requests for summaries."""
        return [each for each in self._made() if is_summary(each)]

    def _made(self) -> list[Any]:
        return [each for each in self.fake.requests if each.path.endswith("/completions")]

    async def _act(self, fake: Fake, exchange: Any, body: Any) -> None:
        if not is_summary(fake.last):
            action = self.answer(body)
        elif self.summaries:
            action = self.summaries.popleft()
        else:
            action = f"Summary {len(self.summed)}."
        if isinstance(action, str):
            action = say(Said((action,), usage=USAGE))
        await action(fake, exchange, body)
