"""Values as they are told beside something else: short ones whole, long ones by their beginning."""

from typing import Any, Final

import orjson

MOST: Final = 1000
PREVIEW: Final = 200


def cut(value: Any) -> Any:
    """The value where its JSON is short, else how that begins."""
    if value is None or isinstance(value, bool | int | float):
        return value
    written = orjson.dumps(value, default=str).decode()
    return value if len(written) <= MOST else f"{written[:PREVIEW]}…"
