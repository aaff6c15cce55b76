"""What the Vercel AI SDK sends, in our words."""

import re
from typing import Any, Final
from uuid import UUID

from app.agents.frontends.asked import Answered, Asked, Content, conversation, joined
from app.agents.frontends.errors import FrontendMessageInvalid
from app.agents.frontends.schemas import AiSdkRequest, RunOptions, UIMessage, UIPart
from app.agents.runtime.errors import ApprovalNotFound

DATA_URL: Final = re.compile(r"data:(image/[a-z+.-]+);base64,", re.IGNORECASE)


def asked(body: AiSdkRequest) -> Asked:
    """Raises FrontendMessageInvalid, and ApprovalNotFound for what cannot be one of ours."""
    if answers := _answers(body.messages[-1]):
        return Asked(body.id, answers=answers)
    turns = [
        (place, message.role, _content(place, message))
        for place, message in enumerate(body.messages)
    ]
    options = RunOptions.model_validate(body.model_dump(include=set(RunOptions.model_fields)))
    return Asked(body.id, conversation(turns), options)


def _answers(last: UIMessage) -> list[Answered]:
    """The approvals that were answered and not carried out yet."""
    return [
        Answered(uuid_of(part.approval.id), part.approval.approved, part.approval.reason or "")
        for part in last.parts
        if last.role == "assistant"
        and part.state == "approval-responded"
        and part.approval is not None
        and part.approval.approved is not None
    ]


def uuid_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ApprovalNotFound("You have no approval with this id.") from None


def _content(place: int, message: UIMessage) -> Content:
    if message.role == "system":
        raise FrontendMessageInvalid(
            f"/body/messages/{place}/role", "instructions are the agent's own"
        )
    if message.role == "assistant":
        return "\n\n".join(part.text for part in message.parts if part.type == "text" and part.text)
    parts = [_part(f"/body/messages/{place}/parts/{n}", p) for n, p in enumerate(message.parts)]
    return joined([part for part in parts if part is not None])


def _part(pointer: str, part: UIPart) -> dict[str, Any] | None:
    if part.type == "text":
        return {"type": "text", "text": part.text} if part.text else None
    if part.type == "file":
        return image(pointer, part.url or "", part.media_type or "")
    return None


def image(pointer: str, url: str, media_type: str) -> dict[str, Any]:
    """An image by its `data:` or its web address; raises FrontendMessageInvalid for other files."""
    if found := DATA_URL.match(url):
        return {"type": "image", "media_type": found[1].lower(), "data": url[found.end() :]}
    if media_type.startswith("image/") and url.startswith(("http://", "https://")):
        return {"type": "image", "media_type": media_type, "url": url}
    raise FrontendMessageInvalid(pointer, "of files only images are taken")
