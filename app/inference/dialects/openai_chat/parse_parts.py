"""The content parts of a Chat Completions message as canonical ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from app.inference.dialects.ask import wrong_type
from app.inference.dialects.checks import expect_known, text
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.dialects.openai_chat.media import file_of, image_of, sound_of
from app.inference.dialects.openai_chat.read_values import cache_hint
from app.inference.integrations.directory import Target
from app.inference.providers.types import CacheHint, Part, TextPart

BREAKPOINT = "prompt_cache_breakpoint"
HINTS = frozenset({"type", "cache_control", BREAKPOINT})
# Servers of the same dialect that refuse what OpenAI takes, or have other names for it.
OTHER_WORDING: Final = frozenset({"mistral"})
# Those that let a client say up to where a prompt is to be remembered.
MARKING: Final = frozenset({"openai_chat", "anthropic_messages"})


@dataclass(frozen=True, slots=True)
class Whereto:
    """What the provider that the request is translated for understands beside the canonical."""

    same_dialect: bool = False
    target: Target | None = None

    @property
    def marks_prompts(self) -> bool:
        if self.target is None:
            return self.same_dialect
        endpoint = self.target.endpoint
        return endpoint.dialect in MARKING and endpoint.kind not in OTHER_WORDING


PartParser = Callable[[dict[str, Any], str, Whereto], Part]


def parts_of(
    content: Any, at: str, parsers: dict[str, PartParser], whereto: Whereto
) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (TextPart(content),)
    if not isinstance(content, list):
        raise wrong_type(at, "a string or an array of content parts")
    parts = []
    for number, part in enumerate(content):
        place = f"{at}[{number}]"
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise wrong_type(place, "an object with a type")
        parser = parsers.get(part["type"])
        if parser is None:
            raise UnsupportedParameter(f"{place}.type", f"'{part['type'][:40]}' is not supported.")
        parts.append(parser(part, place, whereto))
    return tuple(parts)


def hint_of(part: dict[str, Any], at: str, whereto: Whereto) -> CacheHint | None:
    """Up to where a prompt is to be remembered, for a provider that has words for it."""
    if part.get(BREAKPOINT) is not None and not whereto.marks_prompts:
        raise UnsupportedParameter(f"{at}.{BREAKPOINT}")
    return cache_hint(part, at)


def parse_text(part: dict[str, Any], at: str, whereto: Whereto) -> Part:
    expect_known(part, HINTS | {"text"}, f"{at}.")
    said = text(part.get("text"), f"{at}.text", empty=True)
    return TextPart(said, cache=hint_of(part, at, whereto))


def parse_refusal(part: dict[str, Any], at: str, whereto: Whereto) -> Part:
    expect_known(part, HINTS | {"refusal"}, f"{at}.")
    said = text(part.get("refusal"), f"{at}.refusal", empty=True)
    return TextPart(said, cache=hint_of(part, at, whereto))


def parse_image(part: dict[str, Any], at: str, whereto: Whereto) -> Part:
    expect_known(part, HINTS | {"image_url"}, f"{at}.")
    image = part.get("image_url")
    if not isinstance(image, dict):
        raise wrong_type(f"{at}.image_url", "an object")
    expect_known(image, {"url", "detail"}, f"{at}.image_url.")
    url = text(image.get("url"), f"{at}.image_url.url")
    detail = detail_of(image.get("detail"), f"{at}.image_url.detail", whereto)
    return image_of(url, f"{at}.image_url.url", detail=detail, cache=hint_of(part, at, whereto))


def detail_of(value: Any, at: str, whereto: Whereto) -> str | None:
    """How closely to look; nobody but OpenAI has words for another than its own choice."""
    if value in (None, "auto"):
        return None
    if not whereto.same_dialect:
        raise UnsupportedParameter(at)
    return text(value, at)


def parse_file(part: dict[str, Any], at: str, whereto: Whereto) -> Part:
    expect_known(part, HINTS | {"file"}, f"{at}.")
    file = part.get("file")
    if not isinstance(file, dict):
        raise wrong_type(f"{at}.file", "an object")
    # A file_id names a file that only the provider it was uploaded to can read.
    expect_known(file, {"file_data", "filename"}, f"{at}.file.")
    name = file.get("filename")
    name = None if name is None else text(name, f"{at}.file.filename")
    encoded = text(file.get("file_data"), f"{at}.file.file_data")
    return file_of(encoded, name, f"{at}.file.file_data", hint_of(part, at, whereto))


def parse_sound(part: dict[str, Any], at: str, whereto: Whereto) -> Part:
    expect_known(part, HINTS | {"input_audio"}, f"{at}.")
    sound = part.get("input_audio")
    if not isinstance(sound, dict):
        raise wrong_type(f"{at}.input_audio", "an object")
    expect_known(sound, {"data", "format"}, f"{at}.input_audio.")
    return sound_of(sound, f"{at}.input_audio", hint_of(part, at, whereto))


TEXT_PARTS: dict[str, PartParser] = {"text": parse_text}
ANSWER_PARTS: dict[str, PartParser] = {"text": parse_text, "refusal": parse_refusal}
USER_PARTS: dict[str, PartParser] = {
    "text": parse_text,
    "image_url": parse_image,
    "file": parse_file,
    "input_audio": parse_sound,
}
