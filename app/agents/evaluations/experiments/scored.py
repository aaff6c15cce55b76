"""A result as figures are made of it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Scored:
    """Its names are those of the columns of a result that has ended."""

    case_id: UUID
    target: str
    status: str
    score: float
    passed: bool
    tags: list[str]
    grades: list[dict[str, Any]]
    cost_usd: Decimal | None
    input_tokens: int
    output_tokens: int
    latency_ms: float | None
    first_token_ms: float | None
