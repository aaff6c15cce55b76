"""Loads the modules that code may import, and afterwards answers for those that it may not."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class _Refusing:
    """The last one that Python asks for a module: says what there is."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = ", ".join(sorted(name for name in modules if not name.startswith("_")))

    def find_spec(self, name: str, *_: Any) -> None:
        raise ModuleNotFoundError(
            f"{name!r} cannot be imported here. Name what you import in an import statement; "
            f"there are: {self._modules}.",
            name=name,
        )


def load(modules: Sequence[str], zones: str) -> None:
    """`zones` is a folder of time zones, for a system without any."""
    for name in modules:
        importlib.import_module(name)
    if "zoneinfo" in modules:
        _load_zones(zones)


def close(modules: Sequence[str], every: Sequence[str]) -> None:
    """Let nothing else be imported; take out of sight what this process itself needed."""
    sys.path.clear()
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    sys.meta_path[2:] = [_Refusing(every)]
    for name in list(sys.modules):
        own = name.partition(".")[0] in ("app", "ctypes", "_ctypes", "resource")
        if own and name not in modules:
            del sys.modules[name]


def _load_zones(folder: str) -> None:
    """Every time zone, in memory: they are files."""
    import io  # noqa: PLC0415 - only where code names zones
    import zoneinfo  # noqa: PLC0415
    from zoneinfo import _common, _tzpath  # noqa: PLC0415

    zoneinfo.reset_tzpath(to=[*zoneinfo.TZPATH, folder])
    names = zoneinfo.available_timezones()
    found: dict[str, bytes] = {}
    for place in map(Path, reversed(zoneinfo.TZPATH)):
        found |= {key: file.read_bytes() for key in names if (file := place / key).is_file()}

    def serve(key: str) -> Any:
        if key not in found:
            raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {key}")
        return io.BytesIO(found[key])

    zoneinfo.reset_tzpath(to=())
    _common.load_tzdata = serve
    _tzpath.available_timezones = zoneinfo.available_timezones = lambda: set(found)
