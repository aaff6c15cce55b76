"""The operations of a document, each as the tool that it becomes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from yarl import URL

from app.agents.custom_tools.openapi.document import followed
from app.agents.custom_tools.openapi.schemas_of import Schemas, TooLarge

METHODS: Final = ("get", "head", "post", "put", "patch", "delete")
_UNREAD: Final = ("options", "trace")
_LONGEST: Final = 1_500
_JSON: Final = re.compile(r"application/(json|[a-z0-9.+-]+\+json)(;.*)?$", re.IGNORECASE)
_FORM: Final = "application/x-www-form-urlencoded"
_SLOT: Final = re.compile(r"\{([^{}]+)\}")
# What goes by other ways, or is ours to say.
_IGNORED_HEADERS: Final = frozenset({"accept", "content-type", "authorization", "idempotency-key"})


class LeftOut(Exception):
    """Why an operation becomes no tool."""


@dataclass(slots=True)
class Draft:
    """What a tool of an operation needs; `reasons` say what of it was left out."""

    operation: str
    method: str
    path: str
    description: str
    url: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    places: dict[str, dict[str, Any]] = field(default_factory=dict)
    body_format: str = "json"
    reasons: list[str] = field(default_factory=list)

    @property
    def parameters(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            "type": "object", "properties": self.properties, "additionalProperties": False,
        }  # fmt: skip
        return {**made, "required": self.required} if self.required else made


@dataclass(frozen=True, slots=True)
class Found:
    """An operation as it stands in the document."""

    id: str
    method: str
    path: str
    tags: tuple[str, ...]
    item: Mapping[str, Any]
    operation: Mapping[str, Any]


def operations(document: Mapping[str, Any]) -> Iterator[Found]:
    """All operations, in their order; those of broken paths are passed over."""
    for path, item in document["paths"].items():
        try:
            item = followed(document, item)  # noqa: PLW2901 - the same, resolved
        except LookupError:
            continue
        for method in (*METHODS, *_UNREAD):
            operation = item.get(method)
            if isinstance(operation, Mapping):
                name = operation.get("operationId")
                tags = operation.get("tags")
                yield Found(
                    name[:200] if isinstance(name, str) and name else f"{method} {path}"[:200],
                    method.upper(),
                    str(path),
                    tuple(map(str, tags)) if isinstance(tags, list) else (),
                    item,
                    operation,
                )


def draft(document: Mapping[str, Any], found: Found, base: str | None) -> Draft:
    """The tool of an operation; `base` is the server to take. Raises LeftOut."""
    if found.method.lower() in _UNREAD:
        raise LeftOut(f"{found.method} is not called by tools")
    if not found.path.startswith("/"):
        raise LeftOut("its path does not begin with a slash")
    made = Draft(found.id, found.method, found.path, _description(found))
    if found.operation.get("deprecated") is True:
        made.reasons.append("it is deprecated")
    made.url = _server(document, found, base) + found.path
    schemas = Schemas(document)
    try:
        _parameters(document, found, made, schemas)
        _body(document, found, made, schemas)
    except (LookupError, TooLarge) as error:
        raise LeftOut(str(error.args[0] if error.args else error)) from None
    if schemas.cut:
        made.reasons.append("a schema that contains itself was cut")
    if missing := set(_SLOT.findall(made.url)) - set(made.properties):
        raise LeftOut(f"the path's `{min(missing)}` is no parameter of it")
    return made


def _description(found: Found) -> str:
    parts = [found.operation.get("summary"), found.operation.get("description")]
    said = "\n".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
    return said[:_LONGEST] or f"{found.method} {found.path}"


def _server(document: Mapping[str, Any], found: Found, base: str | None) -> str:
    if base is not None:
        return base.rstrip("/")
    holders: tuple[Mapping[str, Any], ...] = (found.operation, found.item, document)
    for holder in holders:
        servers = holder.get("servers")
        if isinstance(servers, list) and servers and isinstance(servers[0], Mapping):
            url = _filled(servers[0])
            if not url.startswith(("http://", "https://")):
                break
            return url.rstrip("/")
    raise LeftOut("it names no server with a whole URL: give `server`")


def _filled(server: Mapping[str, Any]) -> str:
    variables = server.get("variables") or {}
    url = str(server.get("url", ""))
    for name in _SLOT.findall(url):
        variable = variables.get(name) if isinstance(variables, Mapping) else None
        if not isinstance(variable, Mapping) or "default" not in variable:
            raise LeftOut(f"its server's variable `{name}` has no default: give `server`")
        url = url.replace(f"{{{name}}}", str(variable["default"]))
    return url


def relative(document: dict[str, Any], source: URL) -> None:
    """Let servers that are relative, or missing, be those of the address it was read from."""
    servers = document.get("servers") or [{"url": "/"}]
    for server in servers if isinstance(servers, list) else []:
        if isinstance(server, dict) and not str(server.get("url", "")).startswith("http"):
            try:
                server["url"] = str(source.join(URL(str(server.get("url", "/")), encoded=True)))
            except ValueError:
                continue
    document["servers"] = servers


def _parameters(document: Mapping[str, Any], found: Found, made: Draft, schemas: Schemas) -> None:
    named: dict[tuple[str, str], Mapping[str, Any]] = {}
    for holder in (found.item, found.operation):
        listed = holder.get("parameters")
        for each in listed if isinstance(listed, list) else ():
            told = followed(document, each)
            named[str(told.get("name")), str(told.get("in"))] = told
    # Those of the path first: they keep their names.
    for (name, place), parameter in sorted(named.items(), key=lambda item: item[0][1] != "path"):
        needed = parameter.get("required") is True or place == "path"
        if place == "header" and name.lower() in _IGNORED_HEADERS:
            continue
        if place == "cookie" or place not in ("path", "query", "header"):
            _leave(made, f"its {place} `{name}`", needed=needed)
        elif parameter.get("style") in ("deepObject", "matrix", "label", "pipeDelimited"):
            _leave(made, f"`{name}`, written as {parameter['style']},", needed=needed)
        else:
            _argument(made, schemas, parameter, name, place, needed=needed)


def _leave(made: Draft, what: str, *, needed: bool) -> None:
    if needed:
        raise LeftOut(f"{what} is needed and cannot be sent")
    made.reasons.append(f"{what} is left out")


def _argument(
    made: Draft,
    schemas: Schemas,
    parameter: Mapping[str, Any],
    name: str,
    place: str,
    *,
    needed: bool,
) -> None:
    schema = parameter.get("schema")
    if schema is None:
        content = parameter.get("content")
        kinds = list(content.values()) if isinstance(content, Mapping) else []
        schema = kinds[0].get("schema") if kinds and isinstance(kinds[0], Mapping) else {}
    turned = schemas.turn(schema)
    if isinstance(said := parameter.get("description"), str):
        turned["description"] = said[:500]
    argument = _own_name(made, name, place)
    if place == "path" and argument != name:
        made.url = made.url.replace(f"{{{name}}}", f"{{{argument}}}")
    made.properties[argument] = turned
    if needed:
        made.required.append(argument)
    if place != "path":
        told: dict[str, Any] = {"in": place}
        if argument != name:
            told["name"] = name
        if place == "query" and parameter.get("explode") is False:
            told["explode"] = False
        made.places[argument] = told


def _own_name(made: Draft, name: str, place: str) -> str:
    """A name that an argument may have, and no other one has."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:56] or "argument"
    own, number = plain, 1
    while own in made.properties:
        own = f"{plain[:50]}_{place}{number if number > 1 else ''}"
        number += 1
    return own


def _body(document: Mapping[str, Any], found: Found, made: Draft, schemas: Schemas) -> None:
    if found.operation.get("requestBody") is None:
        return
    body = followed(document, found.operation["requestBody"])
    needed = body.get("required") is True
    content = body.get("content")
    kinds = content if isinstance(content, Mapping) else {}
    kind = next((each for each in kinds if _JSON.match(str(each))), None)
    if kind is None and _FORM in kinds:
        kind, made.body_format = _FORM, "form"
    if kind is None:
        told = ", ".join(map(str, kinds))[:100] or "of no kind"
        _leave(made, f"its content ({told})", needed=needed)
        return
    media = kinds[kind]
    schema = schemas.turn(media.get("schema") if isinstance(media, Mapping) else None)
    if isinstance(schema.get("properties"), dict) and _is_plain_object(schema):
        _fields(made, schema, needed=needed)
    elif made.body_format == "form":
        _leave(made, "its form, which has no plain fields,", needed=needed)
    else:
        argument = _own_name(made, "body", "content")
        made.properties[argument] = schema
        made.places[argument] = {"in": "content"}
        made.required += [argument] if needed else []


def _is_plain_object(schema: Mapping[str, Any]) -> bool:
    """Whether its fields can be arguments of their own, with nothing said about them together."""
    together = {"allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "propertyNames"}
    more = schema.get("additionalProperties", False)
    return schema.get("type", "object") == "object" and not (
        together & set(schema) or isinstance(more, Mapping)
    )


def _fields(made: Draft, schema: Mapping[str, Any], *, needed: bool) -> None:
    required = schema.get("required")
    for name, turned in schema["properties"].items():
        argument = _own_name(made, name, "body")
        made.properties[argument] = turned
        made.places[argument] = {"in": "body", **({"name": name} if argument != name else {})}
        if needed and isinstance(required, list) and name in required:
            made.required.append(argument)
