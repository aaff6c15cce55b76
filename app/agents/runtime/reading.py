"""What the journal and the log of a run say, without the loop that wrote them."""

from collections.abc import Sequence
from uuid import UUID

from app.agents.runtime.journal import Journal
from app.agents.runtime.words import restored, text_of
from app.runs.events.event import Event


def said_in(journal: Journal) -> str:
    """The last words of the agent that was asked."""
    for step in reversed(journal.answers("")):
        text = text_of(restored((step.outcome or {})["parts"]))
        if text:
            return text
    return ""


def open_requests(history: Sequence[Event]) -> dict[UUID, str]:
    """Calls that a dead process has left open, with what was heard of each."""
    heard: dict[UUID, str] = {}
    by_message: dict[str, UUID] = {}
    for event in history:
        body = event.body
        if event.type == "step.started" and "request_id" in body:
            request_id = by_message[body["message_id"]] = UUID(body["request_id"])
            heard[request_id] = ""
        elif event.type == "text.delta" and body["message_id"] in by_message:
            request_id = by_message[body["message_id"]]
            heard[request_id] = heard.get(request_id, "") + body["text"]
        elif event.type == "step.completed" and "request_id" in body:
            heard.pop(UUID(body["request_id"]), None)
    return heard
