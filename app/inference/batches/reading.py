"""Lines of a batch out of a file, each mistake told with the number of its line."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, get_args

import orjson

from app.core.errors import FieldError
from app.core.json_limits import holds_nul, too_deep
from app.inference.batches.errors import BatchInvalid
from app.inference.batches.schemas import MOST_LINES, Operation

URLS: Final = tuple(sorted(get_args(Operation)))
MOST_TOLD: Final = 50
MOST_ID: Final = 512


def read_lines(content: bytes) -> list[dict[str, Any]]:
    """The requests of a file of JSON Lines; raises BatchInvalid."""
    found: list[dict[str, Any]] = []
    mistakes: list[FieldError] = []
    for number, raw in enumerate(content.splitlines(), 1):
        if raw.strip():
            if len(found) >= MOST_LINES:
                raise BatchInvalid(f"A batch holds at most {MOST_LINES:,} requests.")
            line, said = read_line(raw)
            if said:
                mistakes.append(FieldError(f"/lines/{number}", "line_invalid", said))
            found.append(line)
        if len(mistakes) >= MOST_TOLD:
            break
    return checked(found, mistakes, "/lines")


def read_line(raw: bytes) -> tuple[dict[str, Any], str]:
    """A line, and what is wrong with it."""
    try:
        line = orjson.loads(raw)
    except ValueError:
        return {}, "is no JSON"
    if not isinstance(line, dict):
        return {}, "is no JSON object"
    if too_deep(raw, line) is not None:
        return {}, "is nested too deeply"
    if holds_nul(raw, line) is not None:
        return {}, "holds the NUL character"
    identity, body = line.get("custom_id"), line.get("body")
    wrong = (
        (not isinstance(identity, str) or not 0 < len(identity) <= MOST_ID,
         f"needs a `custom_id` of 1 to {MOST_ID} characters"),
        (line.get("method", "POST") != "POST", "has another `method` than POST"),
        (line.get("url") not in URLS, f"has a `url` that is none of {', '.join(URLS)}"),
        (not isinstance(body, dict), "needs a `body` that is an object"),
    )  # fmt: skip
    return line, next((said for is_wrong, said in wrong if is_wrong), "")


def checked(
    lines: list[dict[str, Any]], mistakes: Iterable[FieldError] = (), place: str = "/body/requests"
) -> list[dict[str, Any]]:
    """The lines, if they can be told apart and can be answered whole; raises BatchInvalid."""
    told = [*mistakes, *_mistakes(lines, place)][:MOST_TOLD]
    if told:
        raise BatchInvalid(
            f"{len(told)} mistakes or more; the first: {told[0].pointer} {told[0].detail}.",
            errors=tuple(told),
        )
    if not lines:
        said = "The file holds no requests."
        raise BatchInvalid(said, errors=(FieldError(place, BatchInvalid.code, said),))
    return lines


def _mistakes(lines: list[dict[str, Any]], place: str) -> Iterator[FieldError]:
    first = 0 if place.startswith("/body") else 1
    seen: set[str] = set()
    for number, line in enumerate(lines, first):
        identity, body = line.get("custom_id"), line.get("body") or {}
        pointer = f"{place}/{number}"
        if not isinstance(body, dict) or not isinstance(identity, str):
            continue
        if identity in seen:
            yield FieldError(pointer, "custom_id_repeated", f"repeats the custom_id {identity!r}")
        seen.add(identity)
        if body.get("stream"):
            yield FieldError(pointer, "stream_not_allowed", "asks for a stream")
        if not isinstance(body.get("model"), str) or not body["model"]:
            yield FieldError(pointer, "model_missing", "names no model")
