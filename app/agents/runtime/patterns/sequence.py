"""One after the other: chain, router, hand-off, evaluator and optimizer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.agents.definitions.definition import Chain, EvaluatorOptimizer, HandOff, Router
from app.agents.runtime.patterns.stage import Asked, Stage, quoted, said
from app.agents.runtime.performing import Result
from app.agents.runtime.tree import HandedOff
from app.agents.tools.tool import Outcome, Tool, ToolContext, ToolTraits

ROUTE: Final = (
    "Choose who of these agents is to answer the user's request. Choose by what they are for; "
    "do not answer it yourself.\n\n{agents}"
)
REVISE: Final = (
    "{question}\n\n# Your last attempt\n{draft}\n\n# What is to be better\n{feedback}\n\n"
    "Write the whole of it anew, better."
)
JUDGE: Final = (
    "# Request\n{question}\n\n# Answer\n{draft}\n\nHow well does the answer do what was asked? "
    'Answer with JSON: {{"score": 0 to 1, "feedback": "what is to be better"}}.'
)
NOTE: Final = {
    "type": "object",
    "properties": {"note": {"type": "string", "maxLength": 10_000}},
    "additionalProperties": False,
}


async def chain(stage: Stage, pattern: Chain) -> Result:
    """Each works on what the one before it gave."""
    messages: Asked = stage.messages
    given: list[tuple[str, str]] = []
    result: Result | None = None
    for reference in pattern.agents:
        result = await stage.ask(reference, messages)
        given.append(((await stage.member(reference)).name, result.text))
        text = result.text
        if pattern.cumulative:
            text = f"# Request\n{stage.question}\n\n# So far\n{quoted(given)}"
        messages = said(text)
    assert result is not None  # noqa: S101 - a chain has at least one agent
    return result


async def router(stage: Stage, pattern: Router) -> Result:
    """This agent's model chooses; where it names nobody, the fallback answers, or the first."""
    members = {(await stage.member(each)).slug: each for each in pattern.agents}
    schema = {
        "type": "object",
        "properties": {"agent": {"type": "string", "enum": list(members)}},
        "required": ["agent"],
        "additionalProperties": False,
    }
    listed = "\n".join([f"- {slug}: {await _about(stage, each)}" for slug, each in members.items()])
    if len(members) == 1 and pattern.fallback is None:
        return await stage.ask(pattern.agents[0], stage.messages)
    own = stage.role.definition.instructions
    told = "\n\n".join(part for part in (own, ROUTE.format(agents=listed)) if part)
    chosen = (await stage.decide(told, stage.messages, schema)).output.get("agent")
    stage.tell(f"{chosen} answers.", chosen=chosen)
    reference = members.get(chosen) or pattern.fallback or pattern.agents[0]
    return await stage.ask(reference, stage.messages)


async def evaluator_optimizer(stage: Stage, pattern: EvaluatorOptimizer) -> Result:
    """The best attempt, by the evaluator's own score."""
    messages: Asked = stage.messages
    best: Result | None = None
    best_score = -1.0
    for number in range(1, pattern.rounds + 1):
        draft = await stage.ask(pattern.generator, messages)
        verdict = await stage.ask(
            pattern.evaluator, said(JUDGE.format(question=stage.question, draft=draft.text))
        )
        score, feedback = _score(verdict)
        stage.tell(f"Round {number}: {score:g}.", round=number, score=score)
        if score > best_score:
            best, best_score = draft, score
        if score >= pattern.good_enough:
            break
        text = REVISE.format(question=stage.question, draft=draft.text, feedback=feedback)
        messages = said(text)
    assert best is not None  # noqa: S101 - there is at least one round
    return best


async def hand_off(stage: Stage, pattern: HandOff) -> Result:
    """Whoever has the conversation answers, or hands it on."""
    current, messages = pattern.agents[0], stage.messages
    for left in range(pattern.hand_offs, -1, -1):
        others = [each for each in pattern.agents if each != current] if left else []
        tools: list[Tool] = [
            HandOffTool((await stage.member(each)).slug, await _about(stage, each), each)
            for each in others
        ]
        try:
            return await stage.ask(current, messages, extra=tools)
        except HandedOff as handed:
            stage.tell(f"{current} hands over to {handed.to}.", to=handed.to)
            current = handed.to
            if handed.note:
                messages = [*messages, *said(f"(Handed over with this note: {handed.note})")]
    raise AssertionError("the last one cannot hand on")


@dataclass(frozen=True, slots=True)
class HandOffTool:
    """Gives the conversation to another agent, who then answers."""

    slug: str
    about: str
    reference: str
    hands_off: bool = True

    @property
    def name(self) -> str:
        return f"hand_off_to_{self.slug}".replace("-", "_")[:64]

    @property
    def description(self) -> str:
        return f"Hand the conversation over; from then on this one answers: {self.about}"

    @property
    def parameters(self) -> Mapping[str, Any]:
        return NOTE

    @property
    def traits(self) -> ToolTraits:
        return ToolTraits("none", idempotent=True)

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:  # noqa: ARG002
        told = {"handed_off_to": self.reference, "note": arguments.get("note", "")}
        return Outcome(f"Handed over to {self.slug}.", told)


async def _about(stage: Stage, reference: str) -> str:
    role = await stage.member(reference)
    return role.about or role.name


def _score(verdict: Result) -> tuple[float, str]:
    """Of an evaluator that answers with an object, or with text that has one in it."""
    told = verdict.output if isinstance(verdict.output, dict) else parsed(verdict.text)
    rating: Any = told.get("score", told.get("rating", 0))
    try:
        score = float(rating)
    except (TypeError, ValueError):
        score = 0.0
    return min(max(score, 0.0), 1.0), str(told.get("feedback") or verdict.text)


def parsed(text: str) -> dict[str, Any]:
    """The JSON object in a text, or none."""
    begin, end = text.find("{"), text.rfind("}")
    try:
        found = orjson.loads(text[begin : end + 1]) if begin >= 0 else {}
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
