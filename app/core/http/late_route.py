"""A route that FastAPI builds when it is first called, or looked at."""

import threading
from collections.abc import Callable, Collection
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import compile_path, get_name

# Routes are shared by all services of a process; in tests, each of those has a thread of its own.
_building = threading.RLock()


class LateRoute(APIRoute):
    """Holds what finding it takes (path, methods, endpoint), and gets the rest when it is needed.

    FastAPI reads every dependency of every route anew, and keeps a tree of them: that takes a
    millisecond and 30 KiB a route, and a process has hundreds and is asked for few. A mistake in
    a declaration is told no sooner; a test builds them all.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: Collection[str] | None = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        self.path, self.endpoint = path, endpoint
        self.name = name or get_name(endpoint)
        self.methods = {method.upper() for method in methods or ["GET"]}
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self._given = options | {"methods": methods, "name": name}

    def build(self, **options: Any) -> None:
        """Take the rest from FastAPI; a subclass may add to it."""
        super().__init__(self.path, self.endpoint, **options)

    def __getattr__(self, name: str) -> Any:
        """What is not there yet; the route is built for it. No protocol of Python's does that."""
        if not name.startswith("__"):
            with _building:
                self._complete()
            if name in self.__dict__:
                return self.__dict__[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _complete(self) -> None:
        given = self.__dict__.pop("_given", None)  # taken: what building looks at builds no more
        if given is None:
            return
        try:
            self.build(**given)
        except BaseException:
            self._given = given  # whoever asks next is told the same
            raise
