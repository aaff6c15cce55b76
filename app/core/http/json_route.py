"""A route whose JSON body is read strictly: UTF-8, bounded depth, no NUL characters."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi._compat import Undefined
from fastapi.exceptions import RequestValidationError

from app.core.audit import RequestFacts, current_request
from app.core.http.late_route import LateRoute
from app.core.http.problems import MalformedJson, malformed_json
from app.core.http.rails import Rails, Replayed, current_rails
from app.core.http.rate_limits import count
from app.core.http.solving import Plan
from app.core.json_limits import MAX_DEPTH, Place, holds_nul, too_deep


class UnfitJson(json.JSONDecodeError):
    """JSON that can be read and not be taken; `place` is where in the body it stands."""

    def __init__(self, sentence: str, place: Place) -> None:
        super().__init__(sentence, "", 0)
        self.place = place

    def told(self) -> MalformedJson:
        return malformed_json(self.msg, *self.place)


class StrictJsonRequest(Request):
    """Its `json()` raises JSONDecodeError for whatever Postgres or Pydantic could choke on.

    `parsed` is what it has given; nobody else is to change that.
    """

    parsed: Any = Undefined

    async def json(self) -> Any:
        body = await self.body()
        value = orjson.loads(body)
        if (place := too_deep(body, value)) is not None:
            raise UnfitJson(f"nested deeper than {MAX_DEPTH} levels", place)
        if (place := holds_nul(body, value)) is not None:
            raise UnfitJson("a string holds the NUL character", place)
        self.parsed = value
        return value


class JsonRoute(LateRoute):
    """Hands its endpoint a StrictJsonRequest, and its answer to the request's rails."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        whole = self.dependant
        plan = Plan(whole, self.body_field, embeds=self._embed_body_fields)
        # FastAPI reads the body and writes the answer; what is between them is the plan's.
        self.dependant = plan.alone
        original = super().get_route_handler()
        self.dependant = whole

        async def strict(request: Request) -> Response:
            rails = Rails()
            request.scope["luminous.rails"] = rails
            current_rails.set(rails)
            current_request.set(facts_of(request, self.operation_id or self.name))
            try:
                response = await original(StrictJsonRequest(request.scope, request.receive))
                return await rails.finish(request, response)
            except Replayed as replayed:
                return replayed.response
            except RequestValidationError as error:
                await count(request.scope, request.app.state.kernel)  # unread, so not yet counted
                if isinstance(error.__cause__, UnfitJson):
                    raise error.__cause__.told() from None
                raise

        return strict


def facts_of(request: Request, operation: str) -> RequestFacts:
    """What the audit trail is told of a request; who calls is added once it is known."""
    return RequestFacts(
        operation=operation,
        request_id=str(request.scope.get("request_id", "")),
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", "")[:400],
    )
