"""The grounding of one answer: made once before it, and kept with its run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.knowledge.detection.policies.service import Enforcement, Held
from app.knowledge.search.question import Warned

NOTHING_HOLDS: Final = Enforcement(())


@dataclass(frozen=True, slots=True)
class Grounding:
    """`prompt` stands behind the instructions, `sources` are told as `source.added`.

    What `enforcement` flags is watched for in the answer; `warnings` say what could not be drawn
    on.
    """

    prompt: str = ""
    sources: Sequence[Mapping[str, Any]] = ()
    enforcement: Enforcement = NOTHING_HOLDS
    warnings: Sequence[Warned] = ()

    def instructions(self, own: str) -> str:
        """The system prompt: one's own, and what is to be known."""
        return "\n\n".join(part for part in (own, self.prompt) if part)

    def stored(self) -> dict[str, Any]:
        """As JSON, for a process that goes on with the answer."""
        held = [
            [str(each.dictionary_id), each.mode, each.token_budget]
            for each in self.enforcement.held
        ]
        return {"prompt": self.prompt, "sources": list(self.sources), "held": held}


UNGROUNDED: Final = Grounding()


def restored(stored: Mapping[str, Any] | None) -> Grounding:
    """The grounding that `stored` told of, or none."""
    if not stored:
        return UNGROUNDED
    held = tuple(Held(UUID(each), mode, budget) for each, mode, budget in stored["held"])
    return Grounding(stored["prompt"], stored["sources"], Enforcement(held))
