"""A conversation within a model's window: what is oldest is shortened, then left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.inference.catalog.service import context_window
from app.inference.integrations.directory import Target
from app.inference.providers.types import Message, Part, ToolResultPart
from app.inference.usage.service import estimate_input

# The part of the window that is left for the answer where the request sets no limit.
ANSWER_SHARE: Final = 0.25
# What is left of a tool's old result, in characters, and how many of the last are left whole.
SHORTENED: Final = 400
WHOLE_RESULTS: Final = 2
# Groups at the end that are never left out.
KEPT_GROUPS: Final = 2

Group = list[Message]


@dataclass(frozen=True, slots=True)
class Fitted:
    """`left_out` is how many messages, `shortened` how many results, `tokens` of what is kept."""

    messages: tuple[Message, ...]
    tokens: int
    left_out: int = 0
    shortened: int = 0


def room_of(target: Target, max_output_tokens: int | None) -> float:
    """Tokens that a prompt may have; without limit where nobody says how much the model reads."""
    window = context_window(target)
    if window is None:
        return float("inf")
    return window - (max_output_tokens or window * ANSWER_SHARE)


def fit(messages: Sequence[Message], room: float, question: int | None = None) -> Fitted:
    """What of a conversation fits into `room` tokens; its last messages always stay.

    A call of tools stays with its results. The first that is kept is a user's. `question` is the
    place of a message that stays whatever else does.
    """
    tokens = estimate_input(tuple(messages))
    if tokens <= room:
        return Fitted(tuple(messages), tokens)
    groups = _groups(messages)
    shortened = _shorten(groups, tokens - room)
    kept = _newest(groups, room, None if question is None else messages[question])
    flat = tuple(message for group in kept for message in group)
    return Fitted(flat, estimate_input(flat), len(messages) - len(flat), shortened)


def _groups(messages: Sequence[Message]) -> list[Group]:
    """What must stay together: a message, or a call of tools with its results."""
    groups: list[Group] = []
    for message in messages:
        if message.role == "tool" and groups:
            groups[-1].append(message)
        else:
            groups.append([message])
    return groups


def _shorten(groups: list[Group], excess: float) -> int:
    """Cut old results of tools, in place, until enough is saved; how many were cut."""
    places = [
        (group, position)
        for group in groups
        for position, message in enumerate(group)
        if message.role == "tool"
    ]
    shortened = 0
    for group, position in places[:-WHOLE_RESULTS]:
        if excess <= 0:
            break
        before = estimate_input((group[position],))
        cut = tuple(map(_cut, group[position].parts))
        if cut != group[position].parts:
            group[position] = Message("tool", cut)
            excess -= before - estimate_input((group[position],))
            shortened += 1
    return shortened


def _cut(part: Part) -> Part:
    if isinstance(part, ToolResultPart) and len(part.content) > 2 * SHORTENED:
        rest = len(part.content) - SHORTENED
        text = f"{part.content[:SHORTENED]}\n[… {rest} more characters, read earlier, left out]"
        return replace(part, content=text, attachments=())
    return part


def _newest(groups: list[Group], room: float, question: Message | None) -> list[Group]:
    """The newest groups that fit, with the user's last words, whatever was done since them."""
    asked = max((n for n, group in enumerate(groups) if group[0].role == "user"), default=0)
    must = {asked, *range(max(len(groups) - KEPT_GROUPS, asked), len(groups))}
    must |= {n for n, group in enumerate(groups) if group[0] is question}
    room -= sum(estimate_input(tuple(groups[n])) for n in must)
    kept = set(must)
    for position in range(len(groups) - 1, -1, -1):
        if position in must:
            continue
        room -= estimate_input(tuple(groups[position]))
        if room < 0:
            break
        kept.add(position)
    while (first := min(kept)) < asked and groups[first][0].role != "user":
        kept.discard(first)
    return [groups[n] for n in sorted(kept)]
