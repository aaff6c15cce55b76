"""What a format has no words for, kept beside what it says, so that nothing is lost.

A writer works out what a reader will see of a concept (`seen`); the fields that differ are the
residue, each with a digest of what is seen. A reader takes a field from the residue only while
the file still shows what it showed then: what somebody has edited in another tool counts.
"""

import hashlib
import json
from dataclasses import fields, replace
from typing import Any, Final

from app.knowledge.exchange.concept import Concept, Misshapen, plain, read_field

_DIGEST_LENGTH: Final = 16


def residue(concept: Concept, seen: Concept) -> str:
    """The fields of a concept that are not seen as they are: JSON in ASCII."""
    found = {}
    for each in fields(concept):
        value, shown = getattr(concept, each.name), getattr(seen, each.name)
        if value != shown:
            found[each.name] = {"seen": digest(shown), "is": plain(value)}
    return json.dumps(found, separators=(",", ":"), sort_keys=True) if found else ""


def completed(seen: Concept, text: str | None) -> Concept:
    """What was seen, completed by its residue; raises Misshapen for one that is none of ours."""
    if not text:
        return seen
    try:
        kept = json.loads(text)
    except (ValueError, RecursionError):
        raise Misshapen("the record of what the format cannot say is no JSON") from None
    if not isinstance(kept, dict):
        raise Misshapen("the record of what the format cannot say is no JSON object")
    changes: dict[str, Any] = {}
    for name in (each.name for each in fields(seen)):
        if not isinstance(held := kept.get(name), dict):
            continue
        if held.get("seen") == digest(getattr(seen, name)):
            changes[name] = read_field(name, held.get("is"))
    if "id" in changes and not changes["id"]:
        raise Misshapen("id: must be a text")
    return replace(seen, **changes)


def digest(value: Any) -> str:
    written = json.dumps(plain(value), separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:_DIGEST_LENGTH]
