"""How good a draft is: its examples are tried out, and the answers judged by its criteria."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.agents.templates.asking import Answered, Asked
from app.agents.templates.body import TemplateExample
from app.agents.templates.content import Content
from app.agents.templates.generation.drafting import Brief, DraftInvalid, bare_json
from app.agents.templates.generation.wording import JUDGE, VERDICT
from app.agents.templates.previewing import question_of
from app.agents.templates.using import completed
from app.core.json_limits import storable

MOST_CASES: Final = 3
MOST_OUTPUT: Final = 2000
LONGEST: Final = 4000
Ask = Callable[[Asked], Awaitable[Answered]]


class _Score(BaseModel):
    model_config = ConfigDict(extra="ignore")

    criterion: str
    score: float = Field(ge=0, le=1)
    reason: str = ""


class _Verdict(BaseModel):
    model_config = ConfigDict(extra="ignore")

    scores: list[_Score] = Field(min_length=1)


class Evaluator:
    """`ask` asks a model, as the run pays for it; `model` is the judge, too."""

    def __init__(self, ask: Ask, brief: Brief, model: str | None) -> None:
        self._ask = ask
        self._brief = brief
        self._model = model

    async def case(self, content: Content, example: TemplateExample, name: str) -> dict[str, Any]:
        """One example: the answer, and its `score`, None where the judge gave none."""
        asked = question_of(content, completed(content, example.variables), example.input, name)
        asked = Asked(asked.messages, self._model, asked.schema, asked.parameters, MOST_OUTPUT)
        answered = await self._ask(asked)
        scores = await self._judged(asked, answered.text)
        mean = sum(each.score for each in scores) / len(scores) if scores else None
        return {
            "name": example.name,
            "variables": example.variables,
            "input": example.input,
            "answer": storable(answered.text[:LONGEST]),
            "model": answered.model,
            "score": None if mean is None else round(mean, 4),
            "criteria": [each.model_dump() for each in scores],
        }

    async def _judged(self, asked: Asked, answer: str) -> list[_Score]:
        criteria = "\n".join(f"- {each}" for each in self._brief.criteria)
        told = JUDGE.format(purpose=self._brief.purpose, criteria=criteria)
        said = "\n\n".join(f"[{each['role']}] {each['content']}" for each in asked.messages)
        material = f"<told>\n{said[:LONGEST]}\n</told>\n<answer>\n{answer[:LONGEST]}\n</answer>"
        messages = [
            {"role": "system", "content": told},
            {"role": "user", "content": material},
        ]
        question = Asked(messages, self._model, VERDICT, max_output_tokens=MOST_OUTPUT)
        judged = await self._ask(question)
        try:
            return _Verdict.model_validate(bare_json(judged.text)).scores
        except (DraftInvalid, ValidationError):
            return []


def evidence_of(cases: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The mean over the cases that were judged, and the cases; None where none was."""
    judged = [each["score"] for each in cases if each["score"] is not None]
    if not judged:
        return None
    return {
        "score": round(sum(judged) / len(judged), 4),
        "cases": list(cases),
        "note": f"{len(judged)} of {len(cases)} examples, judged by the model that wrote it.",
    }
