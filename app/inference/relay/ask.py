"""A chat completion request as far as the gateway must know it before it is passed on."""

import re
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import Receive, Scope

from app.core.errors import PayloadTooLarge
from app.core.json_limits import MAX_DEPTH, holds_nul, too_deep
from app.inference.relay.errors import RequestInvalid
from app.inference.usage.service import CHARACTERS_A_TOKEN, IMAGE_TOKENS

MAX_MODEL_LENGTH = 256
INLINE = re.compile(rb";base64,[A-Za-z0-9+/=]+")


class ClientGone(Exception):
    """The client hung up before its request was complete."""


@dataclass(frozen=True, slots=True)
class Ask:
    """`body` is the request as it came, `document` what it says."""

    body: bytes
    document: dict[str, Any]
    model: str
    streaming: bool
    wants_usage: bool

    @property
    def estimated_tokens(self) -> int:
        """What the input comes to as long as nobody has counted it."""
        images = INLINE.findall(self.body) if b";base64," in self.body else ()
        written = len(self.body) - sum(map(len, images))
        return -(-written // CHARACTERS_A_TOKEN) + IMAGE_TOKENS * len(images)


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Read the whole body; raises PayloadTooLarge and ClientGone."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise too_large(limit)
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        if not message.get("more_body"):
            return b"".join((*pieces, piece)) if pieces else piece
        pieces.append(piece)


def too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request body is larger than {limit} bytes.")


def read_ask(body: bytes) -> Ask:
    """Check what every upstream needs; raises RequestInvalid, naming the field."""
    document = parse(body)
    model = required(document, "model", str, "a string")
    if not model or len(model) > MAX_MODEL_LENGTH:
        said = f"Invalid 'model': expected a string of 1 to {MAX_MODEL_LENGTH} characters."
        raise RequestInvalid(said, param="model", label="invalid_value")
    messages = required(document, "messages", list, "an array of objects")
    if not messages:
        said = "Invalid 'messages': empty array. Expected an array with minimum length 1."
        raise RequestInvalid(said, param="messages", label="empty_array")
    streaming = optional(document, "stream", bool, "a boolean")
    options = optional(document, "stream_options", dict, "an object")
    if options is not None and not streaming:
        said = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise RequestInvalid(said, param="stream_options")
    wants_usage = optional(options or {}, "include_usage", bool, "a boolean", "stream_options.")
    return Ask(body, document, model, bool(streaming), bool(wants_usage))


def parse(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except ValueError:
        said = "We could not parse the JSON body of your request: it is not valid JSON in UTF-8."
        raise RequestInvalid(said) from None
    if not isinstance(document, dict):
        raise RequestInvalid("The JSON body of your request must be an object.")
    if too_deep(body, document) is not None:
        raise RequestInvalid(f"The JSON body is nested deeper than {MAX_DEPTH} levels.")
    if holds_nul(body, document) is not None:
        raise RequestInvalid("A string of the JSON body holds the NUL character.")
    return document


def required(document: dict[str, Any], name: str, kind: type, told: str) -> Any:
    if document.get(name) is None:
        said = f"Missing required parameter: '{name}'."
        raise RequestInvalid(said, param=name, label="missing_required_parameter")
    return optional(document, name, kind, told)


def optional(document: dict[str, Any], name: str, kind: type, told: str, within: str = "") -> Any:
    value = document.get(name)
    if value is not None and not isinstance(value, kind):
        raise wrong_type(within + name, told)
    return value


def wrong_type(param: str, told: str) -> RequestInvalid:
    said = f"Invalid type for '{param}': expected {told}."
    return RequestInvalid(said, param=param, label="invalid_type")
