"""/v1/tools/import."""

from typing import Annotated

from fastapi import Depends

from app.agents.custom_tools import importing
from app.agents.custom_tools.edge import CustomToolsDep
from app.agents.custom_tools.errors import OpenApiUnreachable, OpenApiUnreadable
from app.agents.custom_tools.schemas_import import OpenApiImport
from app.agents.custom_tools.schemas_read import OpenApiImportRead
from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session

Writer = Annotated[Access, require(Permission.TOOLS_WRITE)]

router = guarded_router(prefix="/v1/tools/import", tag="custom_tools")


async def _planned(_: Writer, source: CustomToolsDep, wanted: OpenApiImport) -> importing.Plan:
    """Before the transaction: it may fetch, and a long document takes a while to read."""
    return await importing.plan(source.client, wanted)


@router.post(
    "/openapi",
    operation_id="custom_tools_import_openapi",
    summary="Make tools of an OpenAPI document",
    description=(
        "Each operation that is chosen becomes a tool: its parameters and the fields of its "
        "content in one schema, references put in. GET and HEAD read and need no approval, the "
        "others always do. The answer says of each what was left out and why; try it first with "
        "`?dry_run=true`."
    ),
    response_model=OpenApiImportRead,
    responses=problems(OpenApiUnreadable, OpenApiUnreachable),
)
async def import_openapi(
    access: Writer,
    kernel: KernelDep,
    planned: Annotated[importing.Plan, Depends(_planned)],
    session: Session,
) -> OpenApiImportRead:
    return await importing.carry_out(session, access, planned, kernel.outbound)
