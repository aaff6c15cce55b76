"""/scim/v2 (RFC 7643, RFC 7644): users and groups, and what is not served."""

from fastapi import APIRouter, Request, Response
from scim2_models import Context, Group, NotFoundException, PatchOp
from starlette.routing import Match

from app.core.errors import MethodNotAllowed
from app.core.http.rails import off_rails
from app.core.versions import etag_of, match, parse_etags
from app.identity.scim import crud, groups, people, protocol, searching
from app.identity.scim.edge import PREFIX
from app.identity.scim.models import ScimGroup, ScimUser
from app.identity.scim.people import Directory
from app.identity.scim.protocol import POLICY, Person
from app.identity.scim.searching import Wanted
from app.identity.scim.wire import Body, Caller, ScimRoute, ScimSession, answer

router = APIRouter(prefix=PREFIX, route_class=ScimRoute, include_in_schema=False)
OFF = [off_rails("SCIM has versions, and no idempotency keys or dry runs")]


@router.get("/Users", operation_id="scim_users_list")
async def list_users(directory: Caller, session: ScimSession, request: Request) -> Response:
    return answer(await searching.users(session, directory, request.query_params))


@router.post("/Users/.search", operation_id="scim_users_search", dependencies=OFF)
async def search_users(directory: Caller, body: Body, session: ScimSession) -> Response:
    return answer(await searching.users(session, directory, body))


@router.post("/Users", operation_id="scim_users_create", dependencies=OFF)
async def create_user(
    directory: Caller, body: Body, session: ScimSession, request: Request
) -> Response:
    with POLICY:
        told = Person.model_validate(body, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
        told.active = told.active is not False
    row = ScimUser(workspace_id=directory.workspace_id, user_id=None)
    await people.settle(session, directory, row, told)
    return await _user(session, directory, row, request, Context.RESOURCE_CREATION_RESPONSE, 201)


@router.get("/Users/{scim_id}", operation_id="scim_users_show")
async def show_user(
    directory: Caller, session: ScimSession, request: Request, scim_id: str
) -> Response:
    row = await people.find(session, directory, scim_id)
    if _is_current(request, row.version):
        return Response(status_code=304, headers={"ETag": etag_of(row.version)})
    return await _user(session, directory, row, request, Context.RESOURCE_QUERY_RESPONSE)


@router.put("/Users/{scim_id}", operation_id="scim_users_replace", dependencies=OFF)
async def replace_user(
    directory: Caller, body: Body, session: ScimSession, request: Request, scim_id: str
) -> Response:
    row = await people.find(session, directory, scim_id, for_update=True)
    await match(session, row)
    with POLICY:
        told = Person.model_validate(body, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
        told.active = row.active if told.active is None else told.active
    await people.settle(session, directory, row, told)
    return await _user(session, directory, row, request, Context.RESOURCE_REPLACEMENT_RESPONSE)


@router.patch("/Users/{scim_id}", operation_id="scim_users_patch", dependencies=OFF)
async def patch_user(
    directory: Caller, body: Body, session: ScimSession, request: Request, scim_id: str
) -> Response:
    row = await people.find(session, directory, scim_id, for_update=True)
    await match(session, row)
    told = protocol.read_user(row, [], directory.base_url)
    with POLICY:
        patch = PatchOp[Person].model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
        patch.patch(told)
    await people.settle(session, directory, row, told)
    return await _user(session, directory, row, request, Context.RESOURCE_PATCH_RESPONSE)


@router.delete("/Users/{scim_id}", operation_id="scim_users_delete", dependencies=OFF)
async def delete_user(directory: Caller, session: ScimSession, scim_id: str) -> Response:
    await people.remove(session, directory, scim_id)
    return Response(status_code=204)


@router.get("/Groups", operation_id="scim_groups_list")
async def list_groups(directory: Caller, session: ScimSession, request: Request) -> Response:
    return answer(await searching.groups(session, directory, request.query_params))


@router.post("/Groups/.search", operation_id="scim_groups_search", dependencies=OFF)
async def search_groups(directory: Caller, body: Body, session: ScimSession) -> Response:
    return answer(await searching.groups(session, directory, body))


@router.post("/Groups", operation_id="scim_groups_create", dependencies=OFF)
async def create_group(
    directory: Caller, body: Body, session: ScimSession, request: Request
) -> Response:
    with POLICY:
        told = Group.model_validate(body, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    row = ScimGroup(workspace_id=directory.workspace_id)
    await groups.settle(session, directory, row, told)
    return await _group(session, directory, row, request, Context.RESOURCE_CREATION_RESPONSE, 201)


@router.get("/Groups/{group_id}", operation_id="scim_groups_show")
async def show_group(
    directory: Caller, session: ScimSession, request: Request, group_id: str
) -> Response:
    row = await groups.find(session, directory, group_id)
    if _is_current(request, row.version):
        return Response(status_code=304, headers={"ETag": etag_of(row.version)})
    return await _group(session, directory, row, request, Context.RESOURCE_QUERY_RESPONSE)


@router.put("/Groups/{group_id}", operation_id="scim_groups_replace", dependencies=OFF)
async def replace_group(
    directory: Caller, body: Body, session: ScimSession, request: Request, group_id: str
) -> Response:
    row = await groups.find(session, directory, group_id, for_update=True)
    await match(session, row)
    with POLICY:
        told = Group.model_validate(body, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    await groups.settle(session, directory, row, told)
    return await _group(session, directory, row, request, Context.RESOURCE_REPLACEMENT_RESPONSE)


@router.patch("/Groups/{group_id}", operation_id="scim_groups_patch", dependencies=OFF)
async def patch_group(
    directory: Caller, body: Body, session: ScimSession, request: Request, group_id: str
) -> Response:
    row = await groups.find(session, directory, group_id, for_update=True)
    await match(session, row)
    told = await groups.read(session, directory, row)
    with POLICY:
        patch = PatchOp[Group].model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
        patch.patch(told)
    await groups.settle(session, directory, row, told)
    return await _group(session, directory, row, request, Context.RESOURCE_PATCH_RESPONSE)


@router.delete("/Groups/{group_id}", operation_id="scim_groups_delete", dependencies=OFF)
async def delete_group(directory: Caller, session: ScimSession, group_id: str) -> Response:
    await groups.remove(session, directory, group_id)
    return Response(status_code=204)


@router.post("/.search", operation_id="scim_all_search", dependencies=OFF)
async def search_all(directory: Caller, body: Body, session: ScimSession) -> Response:
    return answer(await searching.everything(session, directory, body))


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@router.api_route("/{rest:path}", methods=METHODS, dependencies=OFF)
async def refuse(_: Caller, request: Request) -> Response:
    """Whatever is not served above, in the envelope."""
    served: APIRouter = request.scope["router"]
    others = [each for each in served.routes if isinstance(each, ScimRoute)]
    allow = {
        method
        for route in others
        if route.endpoint is not refuse and route.matches(request.scope)[0] is Match.PARTIAL
        for method in route.methods or ()
    }
    if allow:
        raise MethodNotAllowed("This address does not take that method.", allow=allow)
    raise NotFoundException(detail="No such endpoint.")


async def _user(
    session: ScimSession,
    directory: Directory,
    row: ScimUser,
    request: Request,
    context: Context,
    status: int = 200,
) -> Response:
    held = await crud.groups_of(session, directory.workspace_id, [row.id])
    person = protocol.read_user(row, held.get(row.id, []), directory.base_url)
    chosen = Wanted.of(Person, request.query_params).request
    return answer(person.model_dump(scim_ctx=context, response_parameters=chosen), status)


async def _group(
    session: ScimSession,
    directory: Directory,
    row: ScimGroup,
    request: Request,
    context: Context,
    status: int = 200,
) -> Response:
    told = await groups.read(session, directory, row)
    chosen = Wanted.of(Group, request.query_params).request
    return answer(told.model_dump(scim_ctx=context, response_parameters=chosen), status)


def _is_current(request: Request, version: int) -> bool:
    known = parse_etags(request.headers.get("if-none-match", ""))
    return etag_of(version) in {tag.removeprefix("W/") for tag in known}
