"""What evaluations need of the process, and how a request finds it."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from app.agents.evaluations.ports import AgentRunner, PastSource, Prompts
from app.core.db import Database
from app.inference.calls.calls import Calls
from app.inference.embeddings.embedders import Embedders


@dataclass(slots=True)
class Evaluations:
    """`past` knows past runs, `runner` runs agents and `prompts` keeps prompts, once there."""

    database: Database
    calls: Calls
    embedders: Embedders
    past: list[PastSource] = field(default_factory=list)
    runner: AgentRunner | None = None
    prompts: Prompts | None = None


def evaluations_of(request: Request) -> Evaluations:
    evaluations: Evaluations = request.app.state.agents.evaluations
    return evaluations


EvaluationsDep = Annotated[Evaluations, Depends(evaluations_of)]
