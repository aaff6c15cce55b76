"""Among equals: a group's conversation, and voting."""

import re
from collections import Counter
from typing import Any, Final

import orjson

from app.agents.definitions.definition import Group, Voting
from app.agents.runtime.patterns.stage import Stage, said, together
from app.agents.runtime.performing import Result
from app.agents.runtime.tree import Role

TURN: Final = (
    "# Request\n{question}\n\n# The conversation so far\n{transcript}\n\n"
    "You are {name}. Say what you have to say next; only your own words."
)
CHOOSE: Final = (
    "You lead a conversation of these agents:\n{agents}\n\nChoose who speaks next, or end it when "
    "the request is answered."
)
TIE: Final = "Several agents answered apart. Choose the answer that is right, by its number."
_MENTION: Final = re.compile(r"@([a-z0-9]+(?:-[a-z0-9]+)*)")


async def group(stage: Stage, pattern: Group) -> Result:
    """Agents speak in one conversation; the last words are the result."""
    members = {(await stage.member(each)).slug: each for each in pattern.agents}
    roles = {slug: await stage.member(each) for slug, each in members.items()}
    transcript: list[tuple[str, str]] = []
    last: Result | None = None
    for number in range(pattern.turns):
        slug = await _speaker(stage, pattern, roles, transcript, number)
        if slug is None:
            break
        asked = TURN.format(
            question=stage.question, transcript=_written(transcript), name=roles[slug].name
        )
        last = await stage.ask(members[slug], said(asked))
        transcript.append((slug, last.text))
        if pattern.until and pattern.until.lower() in last.text.lower():
            break
    text = last.text if last is not None else ""
    output = {"answer": text, "transcript": [{"agent": a, "text": t} for a, t in transcript]}
    return Result(output, text, len(transcript))


async def _speaker(
    stage: Stage,
    pattern: Group,
    roles: dict[str, Role],
    transcript: list[tuple[str, str]],
    number: int,
) -> str | None:
    order = list(roles)
    if pattern.speaker == "model":
        return await _chosen(stage, roles, transcript)
    if pattern.speaker == "mention" and transcript:
        speaker, text = transcript[-1]
        named = [each for each in _MENTION.findall(text) if each in roles and each != speaker]
        if named:
            return str(named[-1])
        return order[(order.index(speaker) + 1) % len(order)]
    return order[number % len(order)]


async def _chosen(
    stage: Stage, roles: dict[str, Role], transcript: list[tuple[str, str]]
) -> str | None:
    end = "end"
    schema = {
        "type": "object",
        "properties": {"next": {"type": "string", "enum": [*roles, end]}},
        "required": ["next"],
        "additionalProperties": False,
    }
    agents = "\n".join(f"- {slug}: {role.about or role.name}" for slug, role in roles.items())
    asked = said(f"# Request\n{stage.question}\n\n# So far\n{_written(transcript)}")
    chosen = (await stage.decide(CHOOSE.format(agents=agents), asked, schema)).output["next"]
    if chosen == end and not transcript:
        return next(iter(roles))
    return None if chosen == end else str(chosen)


async def voting(stage: Stage, pattern: Voting) -> Result:
    """Each answers apart, without the others' words; the answer that most give counts."""
    asked: list[tuple[str, str]] = []
    for reference in pattern.agents:
        slug = (await stage.member(reference)).slug
        asked += [(reference, stage.place(slug)) for _ in range(pattern.samples)]
    results = await together(
        [stage.ask(reference, stage.messages, place=place) for reference, place in asked]
    )
    votes = Counter(_ballot(each.output) for each in results)
    most = max(votes.values())
    leading = [ballot for ballot, count in votes.items() if count == most]
    stage.tell(f"{most} of {len(results)} agree.", votes=sorted(votes.values(), reverse=True))
    candidates = [
        next(each for each in results if _ballot(each.output) == ballot) for ballot in leading
    ]
    if len(candidates) > 1 and pattern.ties == "model":
        return candidates[await _tie(stage, candidates)]
    return candidates[0]


async def _tie(stage: Stage, candidates: list[Result]) -> int:
    schema = {
        "type": "object",
        "properties": {"number": {"type": "integer", "minimum": 1, "maximum": len(candidates)}},
        "required": ["number"],
        "additionalProperties": False,
    }
    listed = "\n\n".join(f"{n}. {each.text}" for n, each in enumerate(candidates, 1))
    asked = said(f"# Request\n{stage.question}\n\n# Answers\n{listed}")
    chosen: int = (await stage.decide(TIE, asked, schema)).output["number"]
    return chosen - 1


def _ballot(output: Any) -> str:
    """What counts as the same answer: objects by their content, texts by their words."""
    if isinstance(output, str):
        return " ".join(re.findall(r"\w+", output.lower())) or output
    return orjson.dumps(output, option=orjson.OPT_SORT_KEYS).decode()


def _written(transcript: list[tuple[str, str]]) -> str:
    return "\n\n".join(f"{slug}: {text}" for slug, text in transcript) or "(nothing yet)"
