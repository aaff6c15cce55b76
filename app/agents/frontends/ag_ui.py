"""What AG-UI clients send, in our words."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from app.agents.frontends.ai_sdk import image, uuid_of
from app.agents.frontends.asked import Answered, Asked, Content, Unpaused, conversation, joined
from app.agents.frontends.errors import FrontendMessageInvalid
from app.agents.frontends.schemas import (
    AgUiContext,
    AgUiMessage,
    AgUiPart,
    AgUiRequest,
    AgUiResume,
    RunOptions,
)
from app.agents.runtime.schemas import Budget

SPOKEN = ("user", "assistant")
FORBIDDEN = ("developer", "system")
_BUDGET: TypeAdapter[Decimal | None] = TypeAdapter(Budget)


def asked(body: AgUiRequest) -> Asked:
    """Raises FrontendMessageInvalid, and ApprovalNotFound for what cannot be one of ours."""
    if body.resume:
        return _resumed(body.thread_id, body.resume)
    turns = [
        (place, message.role, _content(place, message))
        for place, message in enumerate(body.messages)
        if message.role in (*SPOKEN, *FORBIDDEN) and message.subagent_run_id is None
    ]
    messages = conversation(turns)
    if body.context:
        messages[-1] = _with(messages[-1], body.context)
    options = _options(body.forwarded_props)
    return Asked(body.thread_id, messages, options, name=f"{body.thread_id}\n{body.run_id}")


def _options(props: Any) -> RunOptions:
    wanted = props.get("luminous") if isinstance(props, dict) else None
    try:
        return RunOptions.model_validate({} if wanted is None else wanted)
    except ValidationError as error:
        first = error.errors()[0]
        where = "/".join(map(str, first["loc"]))
        raise FrontendMessageInvalid(
            f"/body/forwardedProps/luminous/{where}".rstrip("/"), first["msg"]
        ) from None


def _content(place: int, message: AgUiMessage) -> Content:
    pointer = f"/body/messages/{place}"
    if message.role in FORBIDDEN:
        raise FrontendMessageInvalid(f"{pointer}/role", "instructions are the agent's own")
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    if isinstance(message.content, dict):
        raise FrontendMessageInvalid(f"{pointer}/content", "give a text or a list of parts")
    parts = [_part(f"{pointer}/content/{n}", part) for n, part in enumerate(message.content)]
    return joined([part for part in parts if part is not None])


def _part(pointer: str, part: AgUiPart) -> dict[str, Any] | None:
    if part.type == "text":
        return {"type": "text", "text": part.text} if part.text else None
    if part.type != "image" or part.source is None or part.source.value is None:
        raise FrontendMessageInvalid(pointer, "only text and images are taken")
    source, kind = part.source, part.source.mime_type or "image/png"
    value = source.value or ""
    return image(pointer, f"data:{kind};base64,{value}" if source.type == "data" else value, kind)


def _with(message: dict[str, Any], context: list[AgUiContext]) -> dict[str, Any]:
    """The last message, after what its application says of where the user is."""
    told = "\n".join(f"- {each.description}: {each.value}" for each in context)
    said = message["content"]
    parts = [{"type": "text", "text": said}] if isinstance(said, str) else said
    return {**message, "content": [{"type": "text", "text": f"Context:\n{told}"}, *parts]}


def _resumed(thread_id: str, entries: list[AgUiResume]) -> Asked:
    """Answers to approvals (by their ids), or to a run that waits (by its id and its place)."""
    if len(entries) == 1 and (waiting := _waiting(entries[0])) is not None:
        return Asked(thread_id, unpaused=waiting)
    return Asked(thread_id, answers=[_answer(n, entry) for n, entry in enumerate(entries)])


def _waiting(entry: AgUiResume) -> Unpaused | None:
    run_id, _, seq = entry.interrupt_id.partition(":")
    if not seq.isdecimal():
        return None
    payload = entry.payload if isinstance(entry.payload, dict) else {}
    try:
        budget = _BUDGET.validate_python(payload.get("budget_usd"))
    except ValidationError as error:
        pointer = "/body/resume/0/payload/budget_usd"
        raise FrontendMessageInvalid(pointer, error.errors()[0]["msg"]) from None
    return Unpaused(uuid_of(run_id), int(seq), entry.status == "cancelled", budget)


def _answer(place: int, entry: AgUiResume) -> Answered:
    approval_id: UUID = uuid_of(entry.interrupt_id)
    if entry.status == "cancelled":
        return Answered(approval_id, approved=False)
    payload = entry.payload if isinstance(entry.payload, dict) else {}
    approved, note = payload.get("approved"), payload.get("note", "")
    if not isinstance(approved, bool) or not isinstance(note, str) or len(note) > 2000:
        raise FrontendMessageInvalid(
            f"/body/resume/{place}/payload", 'say `{"approved": true}` or false, and a `note`'
        )
    return Answered(approval_id, approved, note)
