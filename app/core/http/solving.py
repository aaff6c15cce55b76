"""What an endpoint depends on, found by a plan that is made once with its route.

FastAPI walks through the whole tree of dependencies with each request, and through what is named
in several places several times. Here each is gone through once, in the same order, and what is
wrong with a request is told as FastAPI tells it. Reading the body, and writing the answer, stay
FastAPI's.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import Request, Response, params
from fastapi._compat import ModelField, Undefined
from fastapi.dependencies.models import (
    Dependant,
    _get_computed_scope,
    _is_async_gen_callable,
    _is_coroutine_callable,
    _is_gen_callable,
)
from fastapi.dependencies.utils import (
    _get_param_aliases,
    _get_param_model,
    _solve_generator,
    request_body_to_args,
    request_params_to_args,
)
from fastapi.exceptions import RequestValidationError

# Of an optional parameter that is not there, a default of these types is given as it is.
_PLAIN: Final = (type(None), bool, int, str)
_STACKS: Final = {"request": "fastapi_inner_astack", "function": "fastapi_function_astack"}

Key = tuple[Callable[..., Any] | None, str | None]


class UnfitEndpoint(Exception):
    """What FastAPI can have called, and this service does not use."""


class Given:
    """Parameters of one kind that a dependency takes."""

    __slots__ = ("_defaults", "_fields", "_names", "_source", "_words")

    def __init__(self, source: str, fields: list[ModelField]) -> None:
        self._source = source
        self._fields = fields
        self._names = [name for field in fields for _, name in _get_param_aliases(field)]
        plain = all(map(_has_plain_default, fields))
        self._defaults = {each.name: each.default for each in fields} if plain else None
        in_path = source == "path_params" and all(map(_is_word, fields))
        self._words = [(each.name, each.alias) for each in fields] if in_path else None

    def read(self, request: Request) -> tuple[dict[str, Any], list[Any]]:
        """Their values by name, and what is wrong with them."""
        received: Mapping[str, Any] = getattr(request, self._source)
        if self._words is not None:
            return {name: received[alias] for name, alias in self._words}, []
        if self._defaults is not None:
            for name in self._names:
                if name in received:
                    break
            else:
                return self._defaults, []
        return request_params_to_args(self._fields, received)


def _is_word(field: ModelField) -> bool:
    """Whether every part of a path will do."""
    return field.field_info.annotation is str and not field.field_info.metadata


def _has_plain_default(field: ModelField) -> bool:
    known = field.field_info
    return (
        _get_param_model(field) is None
        and not known.is_required()
        and not known.validate_default
        and known.default_factory is None
        and type(field.default) in _PLAIN
    )


class Step:
    """One dependency, or the endpoint itself; `after` are the places of those that it needs."""

    __slots__ = (
        "after", "answers", "asks", "body", "call", "dependant", "given", "kind", "needs", "stack",
    )  # fmt: skip

    def __init__(self, dependant: Dependant, after: list[int]) -> None:
        if (
            dependant.call is None
            or dependant.background_tasks_param_name
            or dependant.security_scopes_param_name
            or dependant.websocket_param_name
        ):
            raise UnfitEndpoint(dependant.call)
        self.dependant, self.call, self.after = dependant, dependant.call, after
        named = [each.name for each in dependant.dependencies]
        self.needs = [(name, place) for name, place in zip(named, after, strict=True) if name]
        kinds = {
            "path_params": dependant.path_params,
            "query_params": dependant.query_params,
            "headers": dependant.header_params,
            "cookies": dependant.cookie_params,
        }
        self.given = [Given(source, fields) for source, fields in kinds.items() if fields]
        self.body = dependant.body_params
        self.asks = dependant.request_param_name or dependant.http_connection_param_name
        self.answers = dependant.response_param_name
        self.kind = _kind_of(dependant.call)
        self.stack = _STACKS[_get_computed_scope(dependant=dependant) or "request"]

    def found(
        self, taken: list[Any], request: Request, response: Response
    ) -> tuple[dict[str, Any], list[Any]]:
        """What it is called with, the body left out, and what is wrong with its parameters."""
        values = {name: taken[place] for name, place in self.needs}
        errors: list[Any] = []
        for given in self.given:
            read, faults = given.read(request)
            values.update(read)
            errors += faults
        if self.asks:
            values[self.asks] = request
        if self.answers:
            values[self.answers] = response
        return values, errors

    async def taken(self, request: Request, values: dict[str, Any]) -> Any:
        """What the dependency gives."""
        if self.kind == "awaited":
            return await self.call(**values)
        if self.kind == "called":
            return self.call(**values)
        return await _solve_generator(
            request=request,
            dependant=self.dependant,
            stack=request.scope[self.stack],
            sub_values=values,
        )


def _kind_of(call: Callable[..., Any]) -> str:
    if _is_gen_callable(call) or _is_async_gen_callable(call):
        return "generated"
    if _is_coroutine_callable(call):
        return "awaited"
    if inspect.isfunction(call):
        # It looks things up and waits for nothing: a thread takes a hundred times as long.
        return "called"
    raise UnfitEndpoint(call)


class Plan:
    """Everything that an endpoint needs, each once and in order; the endpoint comes last.

    `alone` is the endpoint for FastAPI: one that asks for the request and its answer's head.
    """

    def __init__(self, dependant: Dependant, body: ModelField | None, *, embeds: bool) -> None:
        self._steps: list[Step] = []
        self._add(dependant, {})
        self._embeds = embeds
        self._has_body = body is not None
        endpoint = self._steps[-1]
        if endpoint.kind != "awaited" or (body and isinstance(body.field_info, params.Form)):
            raise UnfitEndpoint(endpoint.call)

        async def answer(request: Request, response: Response) -> Any:
            return await endpoint.call(**await self._values(request, response))

        self.alone = Dependant(
            call=answer,
            path=dependant.path,
            request_param_name="request",
            response_param_name="response",
        )

    def _add(self, dependant: Dependant, known: dict[Key, int]) -> int:
        """The place of a dependency among the steps, behind all that it needs."""
        key = (dependant.call, _get_computed_scope(dependant=dependant))
        if key in known and dependant.use_cache:
            return known[key]
        after = [self._add(each, known) for each in dependant.dependencies]
        self._steps.append(Step(dependant, after))
        return known.setdefault(key, len(self._steps) - 1)

    async def _values(self, request: Request, response: Response) -> dict[str, Any]:
        """What the endpoint is called with; raises RequestValidationError."""
        *steps, endpoint = self._steps
        taken: list[Any] = []
        wrong: dict[int, list[Any]] = {}
        for place, step in enumerate(steps):
            values, errors = await self._found(step, taken, request, response)
            if errors or (wrong and not wrong.keys().isdisjoint(step.after)):
                wrong[place] = errors
                taken.append(None)
            else:
                taken.append(await step.taken(request, values))
        values, errors = await self._found(endpoint, taken, request, response)
        if errors or wrong:
            wrong[len(steps)] = errors
            # One that FastAPI does not know of is read by the endpoint's own means.
            body = await body_of(request) if self._has_body else None
            told = self._told(len(steps), wrong)
            raise RequestValidationError(told, body=None if body is Undefined else body)
        return values

    async def _found(
        self, step: Step, taken: list[Any], request: Request, response: Response
    ) -> tuple[dict[str, Any], list[Any]]:
        values, errors = step.found(taken, request, response)
        if step.body:
            read, faults = await request_body_to_args(
                body_fields=step.body,
                received_body=await body_of(request),
                embed_body_fields=self._embeds,
            )
            values.update(read)
            errors += faults
        return values, errors

    def _told(self, place: int, wrong: dict[int, list[Any]]) -> list[Any]:
        """What is wrong with a step and with those that it needs, once for each that needs them."""
        if place not in wrong:
            return []
        before = [each for needed in self._steps[place].after for each in self._told(needed, wrong)]
        return before + wrong[place]


async def body_of(request: Request) -> Any:
    """A body as FastAPI has read it: its JSON where it said that it is some, else the bytes."""
    parsed = getattr(request, "parsed", Undefined)
    return parsed if parsed is not Undefined else await request.body() or Undefined
