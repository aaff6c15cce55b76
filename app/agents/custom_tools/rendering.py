"""A tool's request: its template with a call's arguments in it."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson
from yarl import URL

from app.agents.custom_tools.schemas import Placement, RequestTemplate
from app.agents.tools.tool import ToolFault
from app.agents.tools.web.calling import SAFE
from app.agents.tools.web.client import Ask, address

SLOT: Final = re.compile(r"\{([^{}]*)\}")
MOST_CONTENT: Final = 256 * 1024
_IN_QUERY: Final = frozenset({"GET", "HEAD", "DELETE"})
_ACCEPT: Final = "application/json, text/*;q=0.9, */*;q=0.5"


def slots(url: str) -> list[str]:
    """The arguments that a template names."""
    return SLOT.findall(url)


def render(template: RequestTemplate, arguments: Mapping[str, Any], key: str) -> Ask:
    """The request without its credential; raises ToolFault for arguments that cannot be sent."""
    request = _Request(template)
    for name, value in arguments.items():
        request.put(name, value)
    return request.ask(key)


class _Request:
    def __init__(self, template: RequestTemplate) -> None:
        self._template = template
        self._in_path = set(slots(template.url))
        self._path: dict[str, str] = {}
        self._query: list[tuple[str, str]] = list(template.query.items())
        self._headers = {"Accept": _ACCEPT, **template.headers}
        self._fields: dict[str, Any] = {}
        self._content: bytes | None = None

    def put(self, name: str, value: Any) -> None:
        place = self._place(name)
        target = place.name or name
        match place.location:
            case "path":
                self._path[name] = _segment(name, value)
            case "query":
                if target in self._template.query:
                    raise ToolFault("bad_argument", f"`{target}` is set already.")
                self._query += _pairs(target, value, explode=place.explode)
            case "header":
                if value is not None:
                    self._headers[target] = _header(name, value)
            case "body":
                self._fields[target] = value
            case "content":
                self._content = orjson.dumps(value)

    def _place(self, name: str) -> Placement:
        if name in self._in_path:
            return Placement(location="path")
        if (place := self._template.places.get(name)) is not None:
            return place
        return Placement(location="query" if self._template.method in _IN_QUERY else "body")

    def ask(self, key: str) -> Ask:
        if missing := self._in_path - set(self._path):
            raise ToolFault("bad_argument", f"`{min(missing)}` is missing.")
        url = address(SLOT.sub(lambda found: self._path[found[1]], self._template.url))
        if self._query:
            url = url.extend_query(self._query)
        content = self._body()
        if self._template.method not in SAFE:
            self._headers["Idempotency-Key"] = key
        return Ask(self._template.method, url, self._headers, content)

    def _body(self) -> bytes | None:
        content, kind = self._content, "application/json"
        if content is None and self._fields:
            if self._template.body_format == "form":
                kind = "application/x-www-form-urlencoded"
                pairs = [p for name, value in self._fields.items() for p in _pairs(name, value)]
                content = urlencode(pairs).encode()
            else:
                content = orjson.dumps(self._fields)
        if content is not None:
            if len(content) > MOST_CONTENT:
                raise ToolFault("too_large", f"At most {MOST_CONTENT // 1024} KiB can be sent.")
            if not any(name.lower() == "content-type" for name in self._headers):
                self._headers["Content-Type"] = kind
        return content


def _segment(name: str, value: Any) -> str:
    """A value as a part of a path that stays where it stands."""
    text = _text(value)
    steps = text.replace("\\", "/").split("/")
    if not text or any(step in (".", "..") for step in steps):
        raise ToolFault("bad_argument", f"`{name}` cannot stand in a path.")
    return quote(text, safe="")


def _pairs(name: str, value: Any, *, explode: bool = True) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(value, list):
        texts = [_text(each) for each in value]
        return [(name, text) for text in texts] if explode else [(name, ",".join(texts))]
    return [(name, _text(value))]


def _header(name: str, value: Any) -> str:
    text = ",".join(map(_text, value)) if isinstance(value, list) else _text(value)
    if not (text.isascii() and text.isprintable()) or len(text) > 4000:
        raise ToolFault("bad_argument", f"`{name}` cannot stand in a header.")
    return text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def host_of(template: RequestTemplate) -> URL:
    """Where a template leads, whatever its arguments; raises ToolFault."""
    return address(SLOT.sub("x", template.url))
