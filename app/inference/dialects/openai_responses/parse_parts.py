"""The content of a Responses message as canonical parts."""

from typing import Any

from app.inference.dialects.ask import wrong_type
from app.inference.dialects.checks import expect_known, text
from app.inference.dialects.openai_chat.citations import citations_of
from app.inference.dialects.openai_chat.media import file_of, image_of, kind_of, sound_of
from app.inference.dialects.openai_chat.parse_parts import PartParser, Whereto, detail_of, hint_of
from app.inference.providers.types import FilePart, ImagePart, Part, TextPart

HINTS = frozenset({"type", "prompt_cache_breakpoint"})


def parse_text(part: dict[str, Any], at: str, whereto: Whereto) -> Part:
    expect_known(part, HINTS | {"text"}, f"{at}.")
    said = text(part.get("text"), f"{at}.text", empty=True)
    return TextPart(said, cache=hint_of(part, at, whereto))


def parse_output(part: dict[str, Any], at: str, whereto: Whereto) -> Part:
    # How likely its tokens were says nothing to the model that reads on.
    expect_known(part, HINTS | {"text", "annotations", "logprobs"}, f"{at}.")
    citations = citations_of(part.get("annotations"), f"{at}.annotations")
    said = text(part.get("text"), f"{at}.text", empty=True)
    return TextPart(said, citations, cache=hint_of(part, at, whereto))


def parse_refusal(part: dict[str, Any], at: str, whereto: Whereto) -> Part:
    expect_known(part, HINTS | {"refusal"}, f"{at}.")
    said = text(part.get("refusal"), f"{at}.refusal", empty=True)
    return TextPart(said, cache=hint_of(part, at, whereto))


def parse_image(part: dict[str, Any], at: str, whereto: Whereto) -> ImagePart:
    # A file_id names an image that only the provider it was uploaded to can read.
    expect_known(part, HINTS | {"image_url", "detail"}, f"{at}.")
    detail = detail_of(part.get("detail"), f"{at}.detail", whereto)
    url = text(part.get("image_url"), f"{at}.image_url")
    return image_of(url, f"{at}.image_url", detail=detail, cache=hint_of(part, at, whereto))


def parse_file(part: dict[str, Any], at: str, whereto: Whereto) -> FilePart:
    expect_known(part, HINTS | {"file_data", "file_url", "filename", "detail"}, f"{at}.")
    detail_of(part.get("detail"), f"{at}.detail", Whereto(same_dialect=False))
    name = part.get("filename")
    name = None if name is None else text(name, f"{at}.filename")
    hint = hint_of(part, at, whereto)
    if part.get("file_url") is not None:
        url = text(part["file_url"], f"{at}.file_url")
        return FilePart(kind_of(url) or "application/pdf", url=url, name=name, cache=hint)
    return file_of(text(part.get("file_data"), f"{at}.file_data"), name, f"{at}.file_data", hint)


def parse_sound(part: dict[str, Any], at: str, whereto: Whereto) -> Part:
    expect_known(part, HINTS | {"input_audio"}, f"{at}.")
    sound = part.get("input_audio")
    if not isinstance(sound, dict):
        raise wrong_type(f"{at}.input_audio", "an object")
    return sound_of(sound, f"{at}.input_audio", hint_of(part, at, whereto))


TEXT_PARTS: dict[str, PartParser] = {"input_text": parse_text}
ANSWER_PARTS: dict[str, PartParser] = {
    "output_text": parse_output,
    "refusal": parse_refusal,
    "input_text": parse_text,
}
USER_PARTS: dict[str, PartParser] = TEXT_PARTS | {
    "input_image": parse_image,
    "input_file": parse_file,
    "input_audio": parse_sound,
}
