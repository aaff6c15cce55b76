"""Images and documents of a Messages request."""

import mimetypes
from typing import Any, Final

from app.inference.dialects.ask import wrong_type
from app.inference.dialects.checks import decoded, expect_known, flag, mapping, optional_text, text
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.providers.types import CacheHint, FilePart, ImagePart

IMAGE_FIELDS: Final = frozenset({"type", "source", "cache_control"})
DOCUMENT_FIELDS: Final = frozenset({"type", "source", "title", "citations", "cache_control"})
PDF: Final = "application/pdf"


def parse_image(block: dict[str, Any], at: str) -> ImagePart:
    expect_known(block, IMAGE_FIELDS, f"{at}.", {"transformations": ({},)})
    cache = cache_hint(block.get("cache_control"), f"{at}.cache_control")
    source = source_of(block, at)
    match source.get("type"):
        case "base64":
            media_type = text(source.get("media_type"), f"{at}.source.media_type")
            content = decoded(source.get("data"), f"{at}.source.data")
            return ImagePart(media_type, data=content, cache=cache)
        case "url":
            url = text(source.get("url"), f"{at}.source.url")
            guessed, _ = mimetypes.guess_type(url.partition("?")[0])
            return ImagePart(guessed or "image/jpeg", url=url, cache=cache)
    raise untranslated(source, at)


def parse_document(block: dict[str, Any], at: str) -> FilePart:
    expect_known(block, DOCUMENT_FIELDS, f"{at}.", {"context": ("",)})
    citations = mapping(block.get("citations"), f"{at}.citations")
    cited = bool(flag(citations.get("enabled"), f"{at}.citations.enabled"))
    media_type, content, url = read_source(source_of(block, at), at, cited=cited)
    return FilePart(
        media_type,
        data=content,
        url=url,
        name=optional_text(block.get("title"), f"{at}.title"),
        cited=cited,
        cache=cache_hint(block.get("cache_control"), f"{at}.cache_control"),
    )


def read_source(
    source: dict[str, Any], at: str, *, cited: bool
) -> tuple[str, bytes | None, str | None]:
    """A document's media type with its bytes or its address."""
    match source.get("type"):
        case "base64":
            media_type = text(source.get("media_type"), f"{at}.source.media_type")
            return media_type, decoded(source.get("data"), f"{at}.source.data"), None
        case "text":
            said = text(source.get("data"), f"{at}.source.data")
            return "text/plain", said.encode(), None
        case "url":
            return PDF, None, text(source.get("url"), f"{at}.source.url")
        case "content" if isinstance(source.get("content"), str) and not cited:
            return "text/plain", text(source["content"], f"{at}.source.content").encode(), None
    raise untranslated(source, at)


def source_of(block: dict[str, Any], at: str) -> dict[str, Any]:
    source = mapping(block.get("source"), f"{at}.source")
    if not isinstance(source.get("type"), str):
        raise wrong_type(f"{at}.source", "an object with a type")
    return source


def untranslated(source: dict[str, Any], at: str) -> UnsupportedParameter:
    told = f"'{source['type'][:40]}' is not supported with this model."
    return UnsupportedParameter(f"{at}.source.type", told)


def cache_hint(control: Any, at: str) -> CacheHint | None:
    match control:
        case None:
            return None
        case {"type": "ephemeral", "ttl": "1h"}:
            return "1h"
        case {"type": "ephemeral", **more} if more.get("ttl") in (None, "5m"):
            return "5m"
    raise wrong_type(at, "{'type': 'ephemeral'} with a ttl of '5m' or '1h'")
