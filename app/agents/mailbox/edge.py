"""What the routes of mailboxes take from the running process."""

from typing import Annotated

from fastapi import Depends, Request

from app.agents.mailbox.room import Mailroom


def mailroom_of(request: Request) -> Mailroom:
    mailroom: Mailroom = request.app.state.agents.mailroom
    return mailroom


MailroomDep = Annotated[Mailroom, Depends(mailroom_of)]
