"""What is wrong with a request, in words that every dialect's envelope can carry."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.core.errors import AppError, BadRequest, MethodNotAllowed, NotFound
from app.inference.providers.errors import ProviderUnfit

Headers = list[tuple[bytes, bytes]]


class RequestInvalid(BadRequest):
    """A request that cannot be passed on; `param` and `label` stand in the answer."""

    code = "invalid_request"
    title = "The request is not valid"

    def __init__(self, detail: str, *, param: str | None = None, label: str | None = None) -> None:
        super().__init__(detail)
        self.param = param
        self.label = label


class NotJson(RequestInvalid):
    """A body that is no JSON, whatever else it may be."""

    def __init__(self) -> None:
        super().__init__(
            "We could not parse the JSON body of your request: it is not valid JSON in UTF-8."
        )


class UnsupportedParameter(RequestInvalid):
    """What the model's provider has no words for; refused by name, never dropped."""

    def __init__(self, param: str, reason: str = "is not supported with this model.") -> None:
        super().__init__(
            f"Unsupported parameter: '{param}' {reason}",
            param=param,
            label="unsupported_parameter",
        )


def by_own_name(error: AppError, names: Mapping[str, str]) -> AppError:
    """A refusal of a provider's codec, by the client's name of the field where it is of one.

    `names` are the client's own names of our fields where they differ.
    """
    if not isinstance(error, ProviderUnfit) or error.field is None:
        return error
    told = f"is not supported with this model. {error.detail}"
    return UnsupportedParameter(names.get(error.field, error.field), told)


class ModelUnavailable(NotFound):
    code = "model_unavailable"
    title = "There is no such model"

    def __init__(self, model: str) -> None:
        shown = model if len(model) <= 200 else model[:200] + "…"
        super().__init__(f"The model `{shown}` does not exist or you do not have access to it.")


class ResponseNotFound(NotFound):
    """No integration of the workspace has kept it for this caller; we ourselves keep none."""

    code = "response_not_found"
    title = "There is no such response"

    def __init__(self, name: str, more: str = "") -> None:
        super().__init__(f"Response with id '{name[:200]}' not found{more or '.'}")


def missing_model() -> RequestInvalid:
    said = "Missing required parameter: 'model'."
    return RequestInvalid(said, param="model", label="missing_required_parameter")


@dataclass(frozen=True, slots=True)
class UpstreamWords:
    """What a provider of the same dialect said of the mistake, beside its message.

    `reason` is the code by which Anthropic's SDKs mend a mistake by themselves.
    """

    param: str | None = None
    code: str | None = None
    reason: str | None = None


def written(
    error: AppError, status: int, document: dict[str, Any], more: Headers | None = None
) -> tuple[int, Headers, bytes]:
    """An error's document as an answer, with a vendor's own headers behind ours."""
    body = orjson.dumps(document)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
    ]
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", error.allow.encode()))
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % seconds_of(error.retry_after)))
    return status, headers + (more or []), body


def seconds_of(wait: float) -> int:
    """A wait as vendors tell it: in whole seconds, one at least."""
    return max(1, math.ceil(wait))
