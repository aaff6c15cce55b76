"""Where a message comes to: rules, asked in their order, until one leads it away or none does."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from uuid import UUID

from app.agents.mailbox.models import Mailbox, MailboxRule

MOST_HOPS: Final = 16
# However rules lead in circles and split, so often they are asked for one message and all its
# copies.
MOST_LED: Final = 1_024


@dataclass(frozen=True, slots=True)
class Envelope:
    """What rules look at."""

    to: str
    to_tags: tuple[str, ...]
    sender: str
    type: str
    tags: tuple[str, ...]
    content: Any
    hops: int


@dataclass(frozen=True, slots=True)
class Landed:
    """One end of a message's way: the mailbox it came to, and as what."""

    mailbox: Mailbox
    envelope: Envelope
    status: Literal["waiting", "dead", "dropped"] = "waiting"
    reason: str | None = None


Find = Callable[[str], Awaitable[Sequence[Mailbox]]]
"""The mailboxes of an address or of a tag; none where there is none."""
HasSay = Callable[[MailboxRule, Mailbox], Awaitable[bool]]
"""Whether a rule holds for a mailbox at all."""


async def land(
    rules: Sequence[MailboxRule], first: Sequence[Landed], find: Find, has_say: HasSay
) -> list[Landed]:
    """All the ends of a message's ways from each of `first`; each mailbox gets it once at most.

    A message that was led too often, or to where there is no mailbox, is dead where it is.
    """
    landed: dict[UUID, Landed] = {}
    waiting, led = deque(first), 0
    # What a message says is the same wherever it is.
    about = [rule for rule in rules if first and _is_about(rule.condition, first[0].envelope)]
    while waiting:
        here = waiting.popleft()
        target, tags = await _asked(about, here, has_say)
        here = replace(here, envelope=replace(here.envelope, tags=tags))
        led += 1
        if target is None:
            _keep(landed, here)
        elif target["type"] == "drop":
            _keep(landed, replace(here, status="dropped", reason="rule"))
        elif target["type"] == "dead_letter":
            _keep(landed, replace(here, status="dead", reason="rejected"))
        elif here.envelope.hops >= MOST_HOPS or led + len(waiting) >= MOST_LED:
            _keep(landed, replace(here, status="dead", reason="hop_limit"))
        else:
            found = await find(target["to"])
            if not found:
                _keep(landed, replace(here, status="dead", reason="no_route"))
            waiting += [_led(here, mailbox) for mailbox in found]
    return list(landed.values())


def at_pointer(content: Any, pointer: str) -> tuple[bool, Any]:
    """Whether anything stands at a JSON Pointer, and what."""
    node = content
    for raw in pointer.split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and step in node:
            node = node[step]
        elif isinstance(node, list) and _is_index(step) and int(step) < len(node):
            node = node[int(step)]
        else:
            return False, None
    return True, node


async def _asked(
    rules: Sequence[MailboxRule], here: Landed, has_say: HasSay
) -> tuple[Mapping[str, Any] | None, tuple[str, ...]]:
    """What the first rule that does more than tag says, and the tags that were added before."""
    envelope = here.envelope
    for rule in rules:
        if not (_is_for(rule.condition, envelope) and await has_say(rule, here.mailbox)):
            continue
        if rule.action["type"] == "tag":
            added = [tag for tag in rule.action["tags"] if tag not in envelope.tags]
            envelope = replace(envelope, tags=(*envelope.tags, *added)[:64])
        elif rule.action.get("to") != envelope.to:
            return rule.action, envelope.tags
    return None, envelope.tags


def _is_about(condition: Mapping[str, Any], envelope: Envelope) -> bool:
    """Whether what a condition says of sender, type and content holds."""
    return (
        _like(condition.get("sender"), envelope.sender)
        and _like(condition.get("type"), envelope.type)
        and all(_holds(test, envelope.content) for test in condition.get("content") or ())
    )


def _is_for(condition: Mapping[str, Any], envelope: Envelope) -> bool:
    """Whether what it says of the mailbox and of tags holds."""
    to = condition.get("to")
    return (
        to is None or to == envelope.to or to in {f"tag:{tag}" for tag in envelope.to_tags}
    ) and set(condition.get("tags") or ()) <= set(envelope.tags)


def _led(here: Landed, mailbox: Mailbox) -> Landed:
    envelope = replace(
        here.envelope,
        to=mailbox.address,
        to_tags=tuple(mailbox.tags),
        hops=here.envelope.hops + 1,
    )
    return Landed(mailbox, envelope)


def _keep(landed: dict[UUID, Landed], end: Landed) -> None:
    """Of two ways to one mailbox, the one that is delivered counts."""
    known = landed.get(end.mailbox.id)
    if known is None or (known.status != "waiting" and end.status == "waiting"):
        landed[end.mailbox.id] = end


def _like(pattern: str | None, value: str) -> bool:
    if pattern is None:
        return True
    if pattern.endswith("*"):
        return value.startswith(pattern[:-1])
    return value == pattern


def _holds(test: Mapping[str, Any], content: Any) -> bool:
    exists, value = at_pointer(content, test["pointer"])
    if test.get("exists") is not None:
        return exists is test["exists"]
    return exists and any(
        type(value) is type(wanted) and value == wanted for wanted in test.get("one_of") or ()
    )


def _is_index(step: str) -> bool:
    return step.isascii() and step.isdigit() and (step == "0" or not step.startswith("0"))
