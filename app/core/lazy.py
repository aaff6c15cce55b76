"""Packages that few requests need, loaded where one of their names is first used."""

import importlib.util
import sys
from types import ModuleType


def lazily(name: str) -> ModuleType:
    """A top-level package that loads at its first attribute; raises ModuleNotFoundError at once.

    For event-loop code: until it has loaded, two threads must not use it at the same time.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
