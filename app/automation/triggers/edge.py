"""What the routes of triggers share: who calls, and what they take from the running process."""

from typing import Annotated

from fastapi import Depends, Request

from app.automation.triggers.receiving import Posted
from app.core.auth import Access, Permission
from app.core.http.guard import require

Reader = Annotated[Access, require(Permission.WORKFLOWS_READ)]
Writer = Annotated[Access, require(Permission.WORKFLOWS_WRITE, Permission.WORKFLOWS_RUN)]
Deleter = Annotated[Access, require(Permission.WORKFLOWS_WRITE)]
Runner = Annotated[Access, require(Permission.WORKFLOWS_RUN)]


async def posted_of(request: Request) -> Posted:
    """The request as it came, whatever its body is."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Posted(headers, dict(request.query_params), await request.body())


PostedDep = Annotated[Posted, Depends(posted_of)]
