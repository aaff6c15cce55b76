"""What a run's log tells of a comparison's candidates, for the process that goes on with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.runs.events.event import Event

SEAM_FIELDS = ("offset", "from", "to", "reason")


@dataclass(slots=True)
class Told:
    """One candidate: `since_call` is the text since its last request, `end` its last event."""

    model: str | None = None
    route: str | None = None
    text: str = ""
    reasoning: str = ""
    since_call: str = ""
    seams: list[dict[str, Any]] = field(default_factory=list)
    requests: list[UUID] = field(default_factory=list)
    end: dict[str, Any] | None = None

    def take(self, kind: str, body: dict[str, Any]) -> None:
        """Take one event of this candidate."""
        if kind == "candidate.started":
            self.model, self.route = body["model"], body["route"]
            self._begin(body)
        elif kind == "failover":
            self.model = body["to"]
            self.seams.append({name: body[name] for name in SEAM_FIELDS})
            self._begin(body)
        elif kind == "text.delta":
            self.text += body["text"]
            self.since_call += body["text"]
        elif kind == "reasoning.delta":
            self.reasoning += body["text"]
        elif kind in ("candidate.completed", "candidate.failed"):
            self.end = body

    def _begin(self, body: dict[str, Any]) -> None:
        self.since_call = ""
        request = UUID(str(body["request_id"]))
        if request not in self.requests:
            self.requests.append(request)


def told_of(history: Sequence[Event], labels: Sequence[str]) -> dict[str, Told]:
    """Each candidate as far as the log knows of it."""
    told = {label: Told() for label in labels}
    for event in history:
        label = event.body.get("label")
        if label in told:
            told[label].take(event.type, event.body)
    return told
