"""What definitions are checked and probed with: the tools and the models of a process."""

from collections.abc import Callable
from dataclasses import dataclass

from app.agents.tools.registry import ToolRegistry
from app.core.db import Database
from app.inference.inference import Inference


@dataclass(frozen=True, slots=True)
class Desk:
    """`nudge` has a job run soon, `public_url` is where others reach this service, or empty."""

    database: Database
    tools: ToolRegistry
    inference: Inference
    nudge: Callable[[str], None]
    public_url: str = ""
