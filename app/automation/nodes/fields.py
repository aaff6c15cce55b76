"""Fields that the settings of several node types have."""

from typing import Annotated, Any, Final

import orjson
from pydantic import AfterValidator, Field

from app.core.schema import Text

MIB: Final = 1024 * 1024
MOST_JSON: Final = MIB
MARK: Final = "{{"


def _bounded(value: Any) -> Any:
    try:
        written = orjson.dumps(value)
    except TypeError:
        raise ValueError("must be JSON") from None
    if len(written) > MOST_JSON:
        raise ValueError(f"must be at most {MOST_JSON // MIB} MiB of JSON")
    return value


Json = Annotated[Any, AfterValidator(_bounded), Field(description="Any JSON, at most 1 MiB.")]
JsonObject = Annotated[dict[str, Any], AfterValidator(_bounded), Field(max_length=1000)]
Slug = Annotated[Text, Field(min_length=1, max_length=64)]
CREDENTIAL: Final = "The name of a credential of the workspace; it is sent to its own hosts only."


def is_template(value: Any) -> bool:
    """Whether something in the value is known once the step begins, and not before."""
    if isinstance(value, str):
        return MARK in value
    if isinstance(value, dict):
        return any(is_template(each) for each in value.values())
    return isinstance(value, list) and any(is_template(each) for each in value)
