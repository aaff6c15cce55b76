"""A model that knows some answers, and what tests of evaluations do again and again."""

import asyncio
import json
from typing import Any

from tests.support.chat import Talker
from tests.support.fakes.base import Action, Recorded, Said, say, status
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import until


class Scholar(FakeOpenAI):
    """Answers by `knows`, judges by `judges`; `asked` are the questions, each time it was asked.

    `holding` keeps answers back until it is set.
    """

    def __init__(self, knows: dict[str, str]) -> None:
        super().__init__()
        self.knows = knows
        self.judges = lambda answer: 5
        self.asked: list[str] = []
        self.judged: list[str] = []
        self.holding = asyncio.Event()
        self.holding.set()
        self.holds_from: int | None = None

    def other(self, recorded: Recorded) -> Action | None:
        if recorded.method != "POST":
            return None
        text = recorded.body["messages"][-1]["content"]
        text = text if isinstance(text, str) else text[0]["text"]
        if "<answer>" in text:
            answer = text.split("<answer>\n")[1].split("\n</answer>")[0]
            self.judged.append(answer)
            verdict = {"reason": "By the rubric.", "score": self.judges(answer)}
            return say(Said(text=(json.dumps(verdict),)))
        return self._answer_to(text)

    def _answer_to(self, text: str) -> Action:
        self.asked.append(text)
        number = len(self.asked)
        known = self.knows.get(text, "I do not know.")
        answering = status(500) if known == "!" else say(Said(text=(known,)))

        async def act(fake: Any, exchange: Any, body: Any) -> None:
            if self.holds_from is not None and number >= self.holds_from:
                await self.holding.wait()
            await answering(fake, exchange, body)

        return act


async def made(talker: Talker, path: str, body: Any, status_code: int = 201) -> dict[str, Any]:
    answer = await talker.call("POST", path, json=body)
    assert answer.status_code == status_code, answer.text
    return answer.json()


async def got(talker: Talker, path: str) -> dict[str, Any]:
    answer = await talker.call("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def evaluation_of(
    talker: Talker, cases: list[dict[str, Any]], graders: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    dataset = await made(talker, "/v1/datasets", {"name": "Cases", "cases": cases})
    body = {"name": "How well", "dataset_id": dataset["id"], "graders": graders, **more}
    return await made(talker, "/v1/evaluations", body)


async def begun(talker: Talker, evaluation: dict[str, Any], *targets: Any, **more: Any) -> Any:
    body = {"name": "An experiment", "targets": list(targets), **more}
    return await made(talker, f"/v1/evaluations/{evaluation['id']}/experiments", body)


async def ended(talker: Talker, experiment: dict[str, Any]) -> dict[str, Any]:
    path = f"/v1/experiments/{experiment['id']}"

    async def is_over() -> bool:
        return (await got(talker, path))["status"] != "running"

    await until(is_over)
    return await got(talker, path)


async def results_of(talker: Talker, experiment: dict[str, Any], query: str = "") -> Any:
    return (await got(talker, f"/v1/experiments/{experiment['id']}/results?limit=200{query}"))[
        "data"
    ]
