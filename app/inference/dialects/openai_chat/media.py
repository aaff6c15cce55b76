"""Images, documents and sound in a request: bytes out of data URLs, or an address."""

import binascii
import mimetypes
from base64 import b64decode
from typing import Any

from app.inference.dialects.checks import text
from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.providers.types import CacheHint, FilePart, ImagePart

SOUNDS = {"wav": "audio/wav", "mp3": "audio/mpeg"}
# Base64 without a data URL's head is taken for what most files are.
USUAL_FILE = "application/pdf"


def image_of(
    url: str, at: str, *, detail: str | None = None, cache: CacheHint | None = None
) -> ImagePart:
    if not url.startswith("data:"):
        return ImagePart(kind_of(url) or "image/jpeg", url=url, cache=cache, detail=detail)
    media_type, data = data_of(url, at, "an image")
    if not media_type.startswith("image/"):
        raise unreadable(at, "an image")
    return ImagePart(media_type, data=data, cache=cache, detail=detail)


def file_of(encoded: str, name: str | None, at: str, cache: CacheHint | None) -> FilePart:
    """A file by its base64, bare or in a data URL; without one, its name says what it is."""
    if encoded.startswith("data:"):
        media_type, data = data_of(encoded, at, "a file")
    else:
        media_type, data = kind_of(name or "") or USUAL_FILE, decoded(encoded, at, "a file")
    return FilePart(media_type, data=data, name=name, cache=cache)


def sound_of(sound: dict[str, Any], at: str, cache: CacheHint | None) -> FilePart:
    media_type = SOUNDS.get(text(sound.get("format"), f"{at}.format"))
    if media_type is None:
        raise UnsupportedParameter(f"{at}.format", "must be 'wav' or 'mp3' with this model.")
    encoded = text(sound.get("data"), f"{at}.data")
    return FilePart(media_type, data=decoded(encoded, f"{at}.data", "sound"), cache=cache)


def data_of(url: str, at: str, what: str) -> tuple[str, bytes]:
    head, _, encoded = url[5:].partition(",")
    media_type, _, coding = head.rpartition(";")
    if coding != "base64" or not media_type:
        raise unreadable(at, what)
    return media_type.partition(";")[0].lower(), decoded(encoded, at, what)


def decoded(encoded: str, at: str, what: str) -> bytes:
    try:
        return b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise unreadable(at, what) from None


def kind_of(name: str) -> str | None:
    return mimetypes.guess_type(name.partition("?")[0])[0]


def unreadable(at: str, what: str) -> RequestInvalid:
    said = f"Invalid '{at}': expected {what} as base64 in a data URL."
    return RequestInvalid(said, param=at, label="invalid_value")
