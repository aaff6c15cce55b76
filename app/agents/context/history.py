"""A conversation as a prompt is to show it: whole, or its end with a summary of its beginning."""

from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

from app.agents.context.summary import Summary
from app.agents.context.window import KEPT_GROUPS, Fitted, fit
from app.agents.definitions.definition import Compaction
from app.inference.providers.types import Message
from app.inference.usage.service import estimate_input

# Of the room: what a summary may take, and what is left as it was when one is made. The rest is
# for what comes next, so that not every turn makes a new one.
SUMMARY_SHARE: Final = 0.25
KEPT_SHARE: Final = 0.5
LEAST_SUMMARY: Final = 100


@dataclass(frozen=True, slots=True)
class Material:
    """What a summary is made of: the one before it, and the messages that it did not cover.

    The new one stands for all up to `covers`, in at most so many `tokens`.
    """

    before: str
    messages: tuple[Message, ...]
    covers: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What a prompt shows: a `summary` of the first messages, if one is needed, and the rest.

    `summed_up` is for how many messages the summary stands.
    """

    fitted: Fitted
    summary: Summary | None = None
    summed_up: int = 0

    @property
    def messages(self) -> tuple[Message, ...]:
        return self.fitted.messages


@dataclass(frozen=True, slots=True)
class History:
    """All that was said. `question` is the place of the message that stays, whatever goes."""

    messages: tuple[Message, ...]
    question: int
    compaction: Compaction = field(default_factory=Compaction)
    summary: Summary | None = None

    @property
    def tokens(self) -> int:
        """Of what is shown at most, roughly."""
        tokens, most = estimate_input(self.messages), self.compaction.history_tokens
        if most is None or tokens <= most:
            return tokens
        return max(most, estimate_input(self.messages[self.question :]))

    def shown(self, room: float) -> Shown:
        """What fits into so many tokens."""
        room = self._room(room)
        summary = self.summary
        if summary is None or estimate_input(self.messages) <= room:
            return Shown(fit(self.messages, room, self.question))
        kept, question = self._after(summary.covers)
        fitted = fit(kept, room - summary.tokens, question)
        return Shown(fitted, summary, len(self.messages) - len(kept))

    def due(self, room: float) -> Material | None:
        """What is to be summed up before it is left out; None where nothing is."""
        if self.compaction.kind != "summary" or not self.shown(room).fitted.left_out:
            return None
        room = self._room(room)
        tokens = min(self.compaction.summary_tokens, int(room * SUMMARY_SHARE))
        begin, text = (self.summary.covers, self.summary.text) if self.summary else (0, "")
        covers = self._cut(room * KEPT_SHARE)
        places = [n for n in range(begin, covers) if n != self.question]
        if tokens < LEAST_SUMMARY or not places:
            return None
        return Material(text, tuple(self.messages[n] for n in places), covers, tokens)

    def _room(self, room: float) -> float:
        most = self.compaction.history_tokens
        return room if most is None else min(room, most)

    def _after(self, covers: int) -> tuple[tuple[Message, ...], int]:
        """What a summary up to there leaves, and where the question stands in it."""
        if self.question < covers:
            return (self.messages[self.question], *self.messages[covers:]), 0
        return self.messages[covers:], self.question - covers

    def _cut(self, room: float) -> int:
        """Where the end begins that fits into `room` beside the question; never behind the last.

        A call of tools stays with its results, and whatever is first is a user's.
        """
        begun = [n for n, each in enumerate(self.messages) if each.role != "tool"]
        since = [n for n in begun if n > self.question]
        last = since[-KEPT_GROUPS:][0] if since else self.question
        asked = estimate_input((self.messages[self.question],))
        sizes = (estimate_input((each,)) for each in reversed(self.messages))
        ends = [*accumulate(sizes)][::-1]
        for n in begun:
            may_begin = n > self.question or self.messages[n].role == "user"
            if n >= last:
                break
            if may_begin and ends[n] + (asked if n > self.question else 0) <= room:
                return n
        return last


def told(shown: Shown) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The sections of a conversation, and what was left out of it, for whoever asks."""
    sections: list[dict[str, Any]] = []
    gone = {"summed_up": shown.summed_up} if shown.summary is not None else {}
    if shown.summary is not None:
        summary = shown.summary
        item = {"text": summary.text, "model": summary.model, "messages": shown.summed_up}
        sections.append({"section": "summary", "tokens": summary.tokens, "items": [item]})
    fitted = shown.fitted
    gone |= {"left_out": fitted.left_out, "shortened": fitted.shortened}
    sections.append(
        {
            "section": "conversation",
            "tokens": fitted.tokens,
            "messages": len(fitted.messages),
        }
    )
    left_out = [
        {"section": "conversation", "reason": "window", "how": how, "count": count}
        for how, count in gone.items()
        if count
    ]
    return sections, left_out
