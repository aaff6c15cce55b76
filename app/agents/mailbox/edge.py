"""What the routes of mailboxes share: who calls, and what they take from the running process."""

from typing import Annotated

from fastapi import Depends, Request

from app.agents.mailbox.room import Mailroom
from app.core.auth import Access, Permission
from app.core.http.guard import require

Reader = Annotated[Access, require(Permission.MAILBOXES_READ)]
Writer = Annotated[Access, require(Permission.MAILBOXES_WRITE)]
Subscriber = Annotated[Access, require(Permission.MAILBOXES_WRITE, Permission.AGENTS_RUN)]


def mailroom_of(request: Request) -> Mailroom:
    mailroom: Mailroom = request.app.state.agents.mailroom
    return mailroom


MailroomDep = Annotated[Mailroom, Depends(mailroom_of)]
