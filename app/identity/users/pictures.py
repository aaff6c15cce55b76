"""Pictures of people: decoded, brought to a size, and drawn anew, so that nothing else travels."""

import asyncio
import hashlib
import io
from dataclasses import dataclass
from typing import Final

from app.identity.users.errors import PictureRefused

FORMATS: Final = ("PNG", "JPEG", "WEBP")
MOST_BYTES: Final = 1024 * 1024
MOST_PIXELS: Final = 16_000_000
SIDE: Final = 512
MEDIA_TYPE: Final = "image/webp"


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture and the digest that names it."""

    content: bytes
    etag: str


async def redrawn(content: bytes) -> Picture:
    """The picture as a WebP of at most 512 pixels a side; raises PictureRefused."""
    return await asyncio.to_thread(_redraw, content)


def _redraw(content: bytes) -> Picture:
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 - 9 MB for few requests

    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise PictureRefused("A picture has at most 16 million pixels.")
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((SIDE, SIDE))
            plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except (
        UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning,
        OSError, ValueError, SyntaxError, EOFError,
    ):  # fmt: skip
        raise PictureRefused("Send a whole PNG, JPEG or WebP file.") from None
    drawn = io.BytesIO()
    plain.save(drawn, "WEBP", quality=85, method=4, exif=b"", icc_profile=b"", xmp=b"")
    return Picture(drawn.getvalue(), etag_of(drawn.getvalue()))


def etag_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
