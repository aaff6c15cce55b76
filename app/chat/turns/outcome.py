"""How a turn's model call stands in the ledger, by how its run ended."""

from app.inference.providers.types import Usage
from app.inference.usage.service import Outcome
from app.runs.runs.work import Ending


def outcome_of(
    ending: Ending, usage: Usage | None, *, text: str = "", first_token_ms: int | None = None
) -> Outcome:
    return Outcome(
        "succeeded" if ending.status == "completed" else ending.status,
        usage=usage,
        text=text,
        error_code=ending.error.code if ending.error else None,
        first_token_ms=first_token_ms,
    )
