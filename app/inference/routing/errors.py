"""What can be wrong with a route, or with a request that no model may answer."""

from collections.abc import Sequence

from app.core.errors import Conflict, FieldError, NotFound, PermissionDenied, Unprocessable
from app.inference.routing.plan import Passed

MOST_REASONS = 20


class RouteNotFound(NotFound):
    code = "route_not_found"
    title = "There is no such route"


class RouteSlugTaken(Conflict):
    code = "route_slug_taken"
    title = "Another route of this workspace has that slug"


class ModelNotAllowed(PermissionDenied):
    code = "model_not_allowed"
    title = "This model is not among those that the caller may use"

    def __init__(self, model: str = "") -> None:
        super().__init__(
            f"The API key or the customer may not use {model!r}.",
            errors=(FieldError("/body/model", self.code, "not among the allowed models"),),
        )


class NoCandidate(Unprocessable):
    """A route without a model that may answer; `errors` has a reason for each that may not."""

    code = "no_candidate"
    title = "No model of the route can answer this request"

    def __init__(self, route: str = "", passed: Sequence[Passed] = ()) -> None:
        super().__init__(
            f"The route {route!r} has no candidate for this request; "
            f"`POST /v1/routes/{route}/explain` says why.",
            errors=tuple(
                FieldError("/body/model", one.code, f"{one.reference}: {one.reason}")
                for one in passed[:MOST_REASONS]
            ),
        )


class ModelMissing(Unprocessable):
    """A vendor's client has named no model, and nothing else says which one is meant."""

    code = "model_missing"
    title = "The request names no model"
