"""Whether a tool fits together: its schema, its address, and what stands where."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from yarl import URL

from app.agents.credentials.hosts import permits
from app.agents.custom_tools.errors import ToolInvalid
from app.agents.custom_tools.rendering import host_of, slots
from app.agents.custom_tools.schemas import Policy, RequestTemplate
from app.agents.tools.tool import ToolFault
from app.agents.tools.web.calling import NOT_SETTABLE, PROOFS
from app.core.errors import FieldError
from app.core.json_schemas import validator_of
from app.core.outbound import Outbound

MOST_SCHEMA_BYTES: Final = 64 * 1024


def check(
    parameters: Mapping[str, Any], request: RequestTemplate, policy: Policy, outbound: Outbound
) -> None:
    """Raises ToolInvalid, and AddressRefused for an address that may not be called."""
    check_schema(parameters)
    _check_url(request, parameters)
    _check_places(request)
    _check_credential(request)
    url = _leads_to(request)
    if policy.hosts and not permits(policy.hosts, url):
        raise _invalid("/body/policy/hosts", f"must allow {url.raw_host}, where the tool calls")
    outbound.check_url(str(url))


def check_schema(parameters: Mapping[str, Any]) -> None:
    """Raises ToolInvalid for what is no JSON Schema of an object that stands by itself."""
    if len(orjson.dumps(parameters)) > MOST_SCHEMA_BYTES:
        raise _invalid("/body/parameters", "must be at most 64 KiB")
    if parameters.get("type") != "object":
        raise _invalid("/body/parameters/type", "must be `object`")
    try:
        validator_of(parameters, only_2020=True)
    except (ValueError, TypeError) as error:
        said = str(error).partition("\n")[0][:300]
        raise _invalid("/body/parameters", f"is no JSON Schema: {said}") from None


def _check_url(request: RequestTemplate, parameters: Mapping[str, Any]) -> None:
    begin, _, path = request.url.partition("://")[2].partition("/")
    path = path.partition("?")[0].partition("#")[0]
    if slots(request.url) != slots(path) or "{" in begin or "{" in request.url.partition("://")[0]:
        raise _invalid("/body/request/url", "may hold arguments in its path only")
    required = parameters.get("required", ())
    properties = parameters.get("properties", {})
    for name in slots(request.url):
        if name not in properties or name not in required:
            raise _invalid("/body/request/url", f"`{name}` must be a required parameter")


def _check_places(request: RequestTemplate) -> None:
    in_path = set(slots(request.url))
    whole = 0
    for name, place in request.places.items():
        if (place.location == "path") != (name in in_path):
            raise _invalid(f"/body/request/places/{name}", "must stand where the address names it")
        if place.location == "header":
            _check_header(place.name or name, f"/body/request/places/{name}")
        whole += place.location == "content"
    if whole > 1 or (whole and any(p.location == "body" for p in request.places.values())):
        raise _invalid("/body/request/places", "one argument alone can be the whole content")
    for name in request.headers:
        _check_header(name, "/body/request/headers")


def _check_header(name: str, pointer: str) -> None:
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise _invalid(pointer, f"{name!r} is no name of a header")
    if name.lower() in NOT_SETTABLE:
        raise _invalid(pointer, f"`{name}` cannot be set")
    if name.lower() in PROOFS:
        raise _invalid(pointer, f"`{name}` belongs in a credential")


def _check_credential(request: RequestTemplate) -> None:
    used = request.credential
    if used is None or used.location == "bearer":
        return
    if used.field is None:
        raise _invalid("/body/request/credential/field", "must name the header or the parameter")
    if used.location == "header" and used.field.lower() in NOT_SETTABLE:
        raise _invalid("/body/request/credential/field", f"`{used.field}` cannot be set")


def _leads_to(request: RequestTemplate) -> URL:
    try:
        return host_of(request)
    except ToolFault as fault:
        raise _invalid("/body/request/url", fault.message.rstrip(".")) from None


def _invalid(pointer: str, detail: str) -> ToolInvalid:
    return ToolInvalid(
        f"`{pointer.removeprefix('/body/')}` {detail}.",
        errors=(FieldError(pointer, ToolInvalid.code, detail),),
    )
