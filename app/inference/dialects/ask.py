"""A request in a client's dialect, as far as it must be known before it is passed on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from app.core.json_limits import MAX_DEPTH, holds_nul, too_deep
from app.inference.dialects.errors import NotJson, RequestInvalid
from app.inference.dialects.splice import MODEL, Span, spans, with_field
from app.inference.providers.tiers import priced_tier
from app.inference.usage.extras import Extras
from app.inference.usage.service import CHARACTERS_A_TOKEN, IMAGE_TOKENS

MAX_MODEL_LENGTH = 256
MAX_CUSTOMER_LENGTH = 256
# Media inside a request, in the ways of OpenAI, and of Anthropic and Google.
# Only where they stand as such: a text that looks like it is paid by its length.
INLINE = re.compile(
    rb'"(?:url|image_url|file_data|data)"[ \n]{0,4}:[ \n]{0,4}'
    rb'"(?:data:[^",]{0,100};base64,)?[A-Za-z0-9+/=_-]{256,}"'
)
MOST_ANSWERS = 128


@dataclass(slots=True)
class Ask:
    """`body` is the request as it came, `document` what it says.

    `customer` is the end user that the request names (`user`, `metadata.user_id`), `wants_usage`
    whether the client of a stream asked for the usage at its end. `options` is what else a dialect
    has read on its way, for itself. `headers` are the client's own that go with its bytes.
    `model_at` is where the model stands in the bytes, if it is known, and `extras` what stands
    there beside text; `inline` are lengths of media in the bytes, once they were looked for.
    """

    body: bytes
    document: dict[str, Any]
    model: str
    streaming: bool
    wants_usage: bool = True
    max_output_tokens: int | None = None
    customer: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    model_at: tuple[Span, ...] = ()
    extras: Extras | None = None
    inline: tuple[int, ...] | None = None

    @property
    def answers(self) -> int:
        """How many answers are asked for: each is paid."""
        config = self.document.get("generationConfig", self.document.get("generation_config"))
        asked = self.document.get("n")
        if isinstance(config, dict):
            asked = config.get("candidateCount", config.get("candidate_count"))
        return 1 if asked is None else min(read_count(asked) or 1, MOST_ANSWERS)

    @property
    def service_tier(self) -> str | None:
        return priced_tier(self.document)

    @property
    def estimated_tokens(self) -> int:
        """What the input comes to as long as nobody has counted it."""
        media = inline_in(self)
        written = len(self.body) - sum(media) if media else len(self.body)
        return -(-written // CHARACTERS_A_TOKEN) + IMAGE_TOKENS * len(media)


def with_value(ask: Ask, name: str, value: object) -> Ask:
    """The request with another value of a top-level field."""
    return replace(
        ask,
        body=with_field(ask.body, ask.document, name, value),
        document={**ask.document, name: value},
        # What is new stands at the end.
        model_at=() if name in ask.document else ask.model_at,
    )


def inline_in(ask: Ask) -> tuple[int, ...]:
    """How long each of the media is that stand in the bytes of a request."""
    if ask.inline is None:
        ask.inline = ()
        find = ask.body.find
        if find(b";base64,") >= 0 or find(b'"data"') >= 0:
            ask.inline = tuple(map(len, INLINE.findall(ask.body)))
    return ask.inline


def read_model_name(document: dict[str, Any]) -> str:
    """The `model` of a request, empty where it names none; raises RequestInvalid."""
    model = document.get("model")
    if isinstance(model, str) and 0 < len(model) <= MAX_MODEL_LENGTH:
        return model
    if "model" not in document:
        return ""
    required(document, "model", str, "a string")
    said = f"Invalid 'model': expected a string of 1 to {MAX_MODEL_LENGTH} characters."
    raise RequestInvalid(said, param="model", label="invalid_value")


def model_places(body: bytes) -> tuple[Span, ...]:
    """Where the one `model` of a request stands whose document names one.

    Who answers is chosen by the last of two, and a provider might read the first: raises
    RequestInvalid for a second one, also if an escape spells it.
    """
    # Where the key stands once in the bytes, and no escape can spell it, that is the one.
    if body.count(b'"model"') <= 1 and body.find(b"\\u006") < 0:
        found = MODEL.search(body)
        return (found.span(1),) if found else ()
    places = spans(body, "model")
    if len(places) > 1:
        said = "Invalid 'model': the request names it twice."
        raise RequestInvalid(said, param="model", label="invalid_value")
    return tuple(places)


def read_customer(value: Any) -> str | None:
    """An end user's id where one can be read; what is no usable id is the upstream's to refuse."""
    return value if isinstance(value, str) and 0 < len(value) <= MAX_CUSTOMER_LENGTH else None


def read_count(value: Any) -> int | None:
    """A positive number of tokens where one can be read."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def longest_of(said: dict[str, Any], names: tuple[str, ...]) -> int | None:
    """The most tokens that an answer may have by any of these names of the limit.

    Servers differ in which of them they hear. None where none is given, or one cannot be read.
    """
    longest: int | None = None
    for name in names:
        given = said.get(name)
        if given is None:
            continue
        count = read_count(given)
        if count is None:
            return None
        if longest is None or count > longest:
            longest = count
    return longest


def read_document(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except ValueError:
        raise NotJson from None
    if not isinstance(document, dict):
        raise RequestInvalid("The JSON body of your request must be an object.")
    if too_deep(body, document) is not None:
        raise RequestInvalid(f"The JSON body is nested deeper than {MAX_DEPTH} levels.")
    if holds_nul(body, document) is not None:
        raise RequestInvalid("A string of the JSON body holds the NUL character.")
    return document


def required(document: dict[str, Any], name: str, kind: type, told: str) -> Any:
    value = document.get(name)
    if value is None:
        said = f"Missing required parameter: '{name}'."
        raise RequestInvalid(said, param=name, label="missing_required_parameter")
    if not isinstance(value, kind):
        raise wrong_type(name, told)
    return value


def optional(document: dict[str, Any], name: str, kind: type, told: str, within: str = "") -> Any:
    value = document.get(name)
    if value is not None and not isinstance(value, kind):
        raise wrong_type(within + name, told)
    return value


def wrong_type(param: str, told: str) -> RequestInvalid:
    said = f"Invalid type for '{param}': expected {told}."
    return RequestInvalid(said, param=param, label="invalid_type")
