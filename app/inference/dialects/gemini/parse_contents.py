"""The contents of a generateContent request as canonical messages."""

import mimetypes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Final, TypeGuard
from urllib.parse import urlsplit

import orjson

from app.inference.dialects.checks import (
    decoded,
    expect_known,
    flag,
    invalid,
    mapping,
    rows,
    text,
)
from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.dialects.signatures import given
from app.inference.integrations.directory import Target
from app.inference.providers.types import (
    FilePart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

NAME: Final = "gemini"
GOOGLES_FILES: Final = "generativelanguage.googleapis.com"
ROLES: Final = ("user", "model", "function")
CONTENT_FIELDS: Final = frozenset({"role", "parts"})
WORDS: Final = frozenset({"text", "thought", "thoughtSignature"})
INLINE_FIELDS: Final = frozenset({"mimeType", "data", "displayName"})
FILE_FIELDS: Final = frozenset({"mimeType", "fileUri", "displayName"})
CALL_FIELDS: Final = frozenset({"id", "name", "args"})
RESULT_FIELDS: Final = frozenset({"id", "name", "response", "parts"})
SAID_FIELDS: Final = ("output", "result")
NOT_A_PART: Final = {"thought": (False,), "videoMetadata": ({},)}
Row = dict[str, Any]


@dataclass(slots=True)
class Calls:
    """The calls so far, by id, and those that nothing has answered yet, in order.

    Google's ids may be left out; a result without one answers the first open call of its name.
    """

    names: dict[str, str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def made(self, given: Any, name: str, at: str) -> str:
        call_id = text(given, at) if given else f"call_{len(self.names)}"
        self.names[call_id] = name
        self.open.append(call_id)
        return call_id

    def answered(self, given: Any, name: str, at: str) -> str:
        match = [i for i in self.open if (i == given if given else self.names[i] == name)]
        if not match:
            raise invalid(at, "no content before it holds a call that this could answer")
        self.open.remove(match[0])
        return match[0]


@dataclass(frozen=True, slots=True)
class Reading:
    calls: Calls
    target: Target

    @property
    def same(self) -> bool:
        """Whether the provider is of the dialect, so that its own files can be named."""
        return self.target.endpoint.dialect == NAME


def parse_system(value: Any) -> tuple[Message, ...]:
    """Instructions: a content, or as Google takes them, too, a part or a text alone."""
    if isinstance(value, str):
        value = {"text": value}
    content = mapping(value, "systemInstruction")
    parts = (
        [content] if "text" in content else rows(content.get("parts"), "systemInstruction.parts")
    )
    said = []
    for number, part in enumerate(parts):
        at = f"systemInstruction.parts[{number}]."
        expect_known(part, frozenset({"text"}), at, NOT_A_PART)
        said.append(TextPart(text(part.get("text"), f"{at}text", empty=True)))
    return (Message("system", tuple(said)),) if any(part.text for part in said) else ()


def parse_contents(value: Any, target: Target) -> tuple[Message, ...]:
    """Raises RequestInvalid and UnsupportedParameter, naming the place."""
    reading = Reading(Calls(), target)
    messages: list[Message] = []
    for number, content in enumerate(rows(value, "contents")):
        messages += parse_content(content, f"contents[{number}]", reading)
    return tuple(messages)


def parse_content(content: Row, at: str, reading: Reading) -> list[Message]:
    expect_known(content, CONTENT_FIELDS, f"{at}.")
    role = content.get("role") or "user"
    if role not in ROLES:
        raise invalid(f"{at}.role", "expected 'user' or 'model'")
    parts = rows(content.get("parts"), f"{at}.parts")
    found = [(f"{at}.parts[{number}]", part) for number, part in enumerate(parts)]
    if role == "model":
        said = (made for place, part in found for made in parse_said(part, place, reading))
        return [Message("assistant", tuple(whole_thoughts(said)))]
    return list(parse_turn(found, reading))


def parse_turn(parts: list[tuple[str, Row]], reading: Reading) -> Iterator[Message]:
    for is_result, run in groupby(parts, lambda found: "functionResponse" in found[1]):
        if is_result:
            for at, part in run:
                yield Message("tool", (parse_result(part, at, reading),))
        else:
            yield Message("user", tuple(parse_given(part, at, reading) for at, part in run))


def parse_given(part: Row, at: str, reading: Reading) -> TextPart | ImagePart | FilePart:
    """A part of the user's: text, or media by their bytes or their address."""
    if "text" in part:
        expect_known(part, frozenset({"text"}), f"{at}.", NOT_A_PART)
        return TextPart(text(part["text"], f"{at}.text", empty=True))
    expect_known(part, frozenset({"inlineData", "fileData"}), f"{at}.", NOT_A_PART)
    if "inlineData" in part:
        return parse_inline(mapping(part["inlineData"], f"{at}.inlineData"), f"{at}.inlineData")
    if "fileData" in part:
        given = mapping(part["fileData"], f"{at}.fileData")
        return parse_file(given, f"{at}.fileData", reading)
    raise invalid(at, "a part needs its text or its data")


def parse_inline(blob: Row, at: str) -> ImagePart | FilePart:
    expect_known(blob, INLINE_FIELDS, f"{at}.")
    media_type = text(blob.get("mimeType"), f"{at}.mimeType")
    content = decoded(blob.get("data"), f"{at}.data")
    if media_type.startswith("image/"):
        return ImagePart(media_type, data=content)
    return FilePart(media_type, data=content, name=blob.get("displayName"))


def parse_file(given: Row, at: str, reading: Reading) -> ImagePart | FilePart:
    expect_known(given, FILE_FIELDS, f"{at}.")
    url = text(given.get("fileUri"), f"{at}.fileUri")
    if not reading.same and not is_public(url):
        told = "names a file that only Google can read; give its bytes or a web address."
        raise UnsupportedParameter(f"{at}.fileUri", told)
    guessed, _ = mimetypes.guess_type(url.partition("?")[0])
    media_type = given.get("mimeType") or guessed
    if media_type is None:
        text(None, f"{at}.mimeType")
    media_type = text(media_type, f"{at}.mimeType")
    if media_type.startswith("image/"):
        return ImagePart(media_type, url=url)
    return FilePart(media_type, url=url, name=given.get("displayName"))


def is_public(url: str) -> bool:
    try:
        address = urlsplit(url)
    except ValueError:
        return False
    return address.scheme in ("http", "https") and address.hostname != GOOGLES_FILES


def parse_said(part: Row, at: str, reading: Reading) -> Iterator[Part]:
    """A part of the model's: text, a thought, or a call, any of them with its signature."""
    if "functionCall" in part:
        expect_known(part, frozenset({"functionCall", "thoughtSignature"}), f"{at}.", NOT_A_PART)
        yield parse_call(part, at, reading)
        return
    if "text" not in part and "thoughtSignature" not in part:
        expect_known(part, WORDS, f"{at}.")
        raise invalid(at, "a part of the model needs its text or a call")
    expect_known(part, WORDS, f"{at}.", NOT_A_PART)
    said = text(part.get("text", ""), f"{at}.text", empty=True)
    thought = bool(flag(part.get("thought"), f"{at}.thought"))
    if said and not thought:
        yield TextPart(said)
        said = ""
    signature = text(part.get("thoughtSignature") or "", f"{at}.thoughtSignature", empty=True)
    proof = given(signature, NAME, reading.target)
    if proof.redacted and proof.value is not None:
        yield ReasoningPart("", None, proof.value, proof.dialect)
    elif said or proof.value is not None:
        yield ReasoningPart(said, proof.value, None, proof.dialect if proof.value else None)


def whole_thoughts(said: Iterable[Part]) -> Iterator[Part]:
    """The same, where what a stream of ours has told in pieces is one thought with its proof."""
    thought = ""
    for part in said:
        if isinstance(part, ReasoningPart) and part.signature is None and part.redacted is None:
            thought += part.text
            continue
        if thought and is_proof(part):
            yield replace(part, text=thought)
        else:
            yield from (ReasoningPart(thought), part) if thought else (part,)
        thought = ""
    if thought:
        yield ReasoningPart(thought)


def is_proof(part: Part) -> TypeGuard[ReasoningPart]:
    """Whether a part is no more than another vendor's signature; Google has its own elsewhere."""
    return (
        isinstance(part, ReasoningPart)
        and part.signature is not None
        and not part.text
        and part.dialect != NAME
    )


def parse_call(part: Row, at: str, reading: Reading) -> ToolCallPart:
    call = mapping(part["functionCall"], f"{at}.functionCall")
    expect_known(call, CALL_FIELDS, f"{at}.functionCall.")
    name = text(call.get("name"), f"{at}.functionCall.name")
    arguments = orjson.dumps(mapping(call.get("args"), f"{at}.functionCall.args")).decode()
    call_id = reading.calls.made(call.get("id"), name, f"{at}.functionCall.id")
    signature = text(part.get("thoughtSignature") or "", f"{at}.thoughtSignature", empty=True)
    proof = given(signature, NAME, reading.target)
    issuer = proof.dialect if proof.value is not None else None
    return ToolCallPart(call_id, name, arguments, proof.value, issuer)


def parse_result(part: Row, at: str, reading: Reading) -> ToolResultPart:
    expect_known(part, frozenset({"functionResponse"}), f"{at}.", NOT_A_PART)
    at = f"{at}.functionResponse"
    result = mapping(part["functionResponse"], at)
    expect_known(result, RESULT_FIELDS, f"{at}.", {"willContinue": (False,)})
    name = text(result.get("name"), f"{at}.name")
    call_id = reading.calls.answered(result.get("id"), name, f"{at}.id")
    content, is_error = said_of(mapping(result.get("response"), f"{at}.response"))
    attached = enumerate(rows(result.get("parts"), f"{at}.parts"))
    media = [parse_given(found, f"{at}.parts[{number}]", reading) for number, found in attached]
    if any(isinstance(found, TextPart) for found in media):
        raise RequestInvalid(f"Invalid '{at}.parts': expected media.", param=f"{at}.parts")
    attachments = tuple(found for found in media if not isinstance(found, TextPart))
    return ToolResultPart(call_id, name, content, is_error, attachments)


def said_of(response: Row) -> tuple[str, bool]:
    """A tool's answer as text, and whether it is an error; Google names its two keys."""
    match list(response.items()):
        case [("error", error)]:
            return error if isinstance(error, str) else orjson.dumps(error).decode(), True
        case [(key, str(said))] if key in SAID_FIELDS:
            return said, False
    return orjson.dumps(response).decode(), False
