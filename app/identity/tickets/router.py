"""/v1/stream-tickets."""

from typing import Annotated

from fastapi import Response

from app.core import tickets
from app.core.auth import Access, Permission
from app.core.http.guard import BearerDep, KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.identity.tickets.schemas import StreamTicketCreate, StreamTicketRead

Reader = Annotated[Access, require(Permission.RUNS_READ)]

router = guarded_router(prefix="/v1/stream-tickets", tag="stream_tickets")


@router.post(
    "",
    operation_id="stream_tickets_create",
    summary="Get a ticket for an event stream",
    description=(
        "For an `EventSource` or a WebSocket, which send no `Authorization`: add it to the "
        "stream's address as `ticket`. It is good once, for thirty seconds, in the workspace of "
        "this request, and for as long as the credential is that asked for it."
    ),
    status_code=201,
    dependencies=[off_rails("a ticket is good once")],
    responses=problems(),
)
async def create_stream_ticket(
    body: StreamTicketCreate,
    access: Reader,
    bearer: BearerDep,
    kernel: KernelDep,
    response: Response,
) -> StreamTicketRead:
    held = tickets.Held(bearer, access.workspace_id, body.path)
    response.headers["Cache-Control"] = "no-store"
    return StreamTicketRead(
        ticket=await tickets.issue(kernel, held), expires_in=tickets.LIFETIME_SECONDS
    )
