"""A candidate made ready for choosing."""

from dataclasses import dataclass

from app.inference.providers.types import Usage
from app.inference.routing.facts import Facts
from app.inference.routing.plan import Candidate

# What an answer is taken to cost where nobody has seen one of this deployment.
USUAL_OUTPUT_TOKENS = 400


@dataclass(frozen=True, slots=True)
class Entry:
    """`index` is its place in the route, `doubtful` that a needed capability is not known."""

    index: int
    candidate: Candidate
    deployment: str
    reference: str
    facts: Facts
    quality: float | None = None
    region: str | None = None
    doubtful: bool = False


def expected_cost(
    entry: Entry, input_tokens: int, max_output_tokens: int | None, usual_output: float | None
) -> int | None:
    """Nano-dollars that a request is expected to cost, None where no price is known."""
    price = entry.candidate.price
    if price is None:
        return None
    output = int(usual_output or USUAL_OUTPUT_TOKENS)
    if max_output_tokens is not None:
        output = min(output, max_output_tokens)
    return price.cost(Usage(input_tokens=input_tokens, output_tokens=output))
