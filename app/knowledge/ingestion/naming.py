"""Names and media types as others send them, made safe to keep; and the keys of our files."""

import re
import unicodedata
from typing import Final
from uuid import UUID

from app.knowledge.storage.files import key_of

MOST_CHARACTERS: Final = 200
UNKNOWN: Final = "application/octet-stream"
# What curl says of any body that it is not told of: no file is of that type.
_UNTOLD: Final = "application/x-www-form-urlencoded"
_MEDIA: Final = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,63}/[a-z0-9][a-z0-9.+_-]{0,99}")


def file_name(sent: str | None) -> str:
    """The last part of a path, without control characters; `document` where nothing is left.

    The end stays, since it tells the format.
    """
    plain = (sent or "").encode(errors="replace").decode().replace("\\", "/").rpartition("/")[2]
    kept = "".join(c for c in plain if unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp"))
    return kept.strip()[-MOST_CHARACTERS:].strip() or "document"


def media_type(sent: str | None) -> str:
    plain = (sent or "").partition(";")[0].strip().lower()
    return plain if _MEDIA.fullmatch(plain) and plain != _UNTOLD else UNKNOWN


def original_key(workspace_id: UUID, version_id: UUID) -> str:
    return key_of(workspace_id, "documents", str(version_id), "original")


def parsed_key(workspace_id: UUID, version_id: UUID) -> str:
    return key_of(workspace_id, "documents", str(version_id), "parsed")
