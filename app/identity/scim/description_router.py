"""The documents by which /scim/v2 describes itself (RFC 7643, sections 5 to 7)."""

from typing import Any

from fastapi import APIRouter, Response
from scim2_models import Context, ListResponse, NotFoundException

from app.identity.scim.edge import PREFIX
from app.identity.scim.people import Directory
from app.identity.scim.protocol import CONFIG, PROVIDER
from app.identity.scim.wire import Caller, ScimRoute, answer

router = APIRouter(prefix=PREFIX, route_class=ScimRoute, include_in_schema=False)


@router.get("/ServiceProviderConfig", operation_id="scim_config_show")
async def show_config(directory: Caller) -> Response:
    shown = CONFIG.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    address = f"{directory.base_url}{PREFIX}/ServiceProviderConfig"
    return answer({**shown, "meta": {"resourceType": "ServiceProviderConfig", "location": address}})


@router.get("/ResourceTypes", operation_id="scim_resource_types_list")
async def list_resource_types(directory: Caller) -> Response:
    return _all(directory, "ResourceType", PROVIDER.resource_types)


@router.get("/ResourceTypes/{name}", operation_id="scim_resource_types_show")
async def show_resource_type(directory: Caller, name: str) -> Response:
    return _one(directory, "ResourceType", PROVIDER.resource_types, name)


@router.get("/Schemas", operation_id="scim_schemas_list")
async def list_schemas(directory: Caller) -> Response:
    return _all(directory, "Schema", PROVIDER.schemas)


@router.get("/Schemas/{name}", operation_id="scim_schemas_show")
async def show_schema(directory: Caller, name: str) -> Response:
    return _one(directory, "Schema", PROVIDER.schemas, name)


def _described(directory: Directory, kind: str, each: Any) -> dict[str, Any]:
    shown: dict[str, Any] = each.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    address = f"{directory.base_url}{PREFIX}/{kind}s/{each.id or each.name}"
    return {**shown, "meta": {"resourceType": kind, "location": address}}


def _all(directory: Directory, kind: str, given: Any) -> Response:
    found = [_described(directory, kind, each) for each in given]
    return answer(
        {
            "schemas": [str(ListResponse.__schema__)],
            "totalResults": len(found),
            "startIndex": 1,
            "itemsPerPage": len(found),
            "Resources": found,
        }
    )


def _one(directory: Directory, kind: str, given: Any, name: str) -> Response:
    for each in given:
        if name in (each.id, each.name):
            return answer(_described(directory, kind, each))
    raise NotFoundException(detail=f"No such {kind}.")
