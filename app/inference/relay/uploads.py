"""A file out of a multipart form, and the form's small fields."""

import re
from dataclasses import dataclass
from typing import Final

from app.inference.dialects.errors import RequestInvalid
from app.inference.operations.form import boundary_of, read_fields

FILE: Final = re.compile(rb'name="file";[^\r\n]*?filename="([^"\r\n]{0,255})"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    content: bytes
    fields: dict[str, str]


def read_upload_form(body: bytearray, content_type: str) -> Upload:
    """The part `file`; raises RequestInvalid."""
    fields = {name: field.value for name, field in read_fields(body, content_type).items()}
    delimiter = b"\r\n--" + boundary_of(content_type)
    found = FILE.search(body)
    start = body.find(b"\r\n\r\n", found.start()) + 4 if found else 0
    end = body.find(delimiter, start)
    if found is None or start < 4 or end < 0:
        said = "Missing required parameter: 'file'."
        raise RequestInvalid(said, param="file", label="missing_required_parameter")
    name = found[1].decode("utf-8", "replace").replace("\0", "") or "upload"
    return Upload(name, bytes(memoryview(body)[start:end]), fields)
