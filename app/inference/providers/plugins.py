"""Provider kinds out of other packages: the entry points of the group `luminous.providers`."""

import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from app.core.log import get_logger
from app.inference.providers.codec import OPTIONAL
from app.inference.providers.kinds import HttpKind, Kind, WholeKind
from app.inference.providers.registry import KINDS, OWN

log = get_logger(__name__)

GROUP: Final = "luminous.providers"
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,79}")
ADDRESS: Final = re.compile(r"https?://[^\s/?#@]+[^\s?#]{0,400}")
# What a codec is looked at with where its kind has no address of its own.
SOME_ADDRESS: Final = "https://example.com/v1"
# Bytes of these dialects are passed on, which needs a codec.
PASSED_ON: Final = frozenset({kind.dialect for kind in OWN}.union(*(kind.also for kind in OWN)))


class UnfitKind(Exception):
    """A plug-in's kind that cannot be registered; the message says why."""


def install_plugins(choice: str) -> None:
    """Make KINDS our own kinds and the plug-ins' that the operator wants.

    `choice` is `on`, `off`, or names of entry points with commas between them. A plug-in that is
    broken, unfit, or of a name that is taken is left out with a line in the log.
    """
    for name in KINDS.keys() - {kind.name for kind in OWN}:
        del KINDS[name]
    if choice == "off":
        return
    wanted = None if choice == "on" else set(choice.split(","))
    found = [point for point in _found() if wanted is None or point.name in wanted]
    for point in found:
        _install(point)
    for name in sorted((wanted or set()) - {point.name for point in found}):
        log.warning("provider_plugin_missing", plugin=name)


def _found() -> list[EntryPoint]:
    """In the order of their packages, so that the same one wins a name at every start."""
    try:
        return sorted(entry_points(group=GROUP), key=_package)
    except Exception as error:  # noqa: BLE001 - what installed metadata can be
        log.warning("provider_plugins_unreadable", reason=f"{error}"[:300])
        return []


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _install(point: EntryPoint) -> None:
    try:
        # Before any of its code runs.
        if point.name in KINDS:
            raise UnfitKind("its name is taken.")
        kind = fit(point.load(), point.name, _package(point))
    except UnfitKind as error:
        log.warning("provider_plugin_refused", plugin=point.name, reason=str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - another's code can raise anything
        reason = f"{type(error).__name__}: {error}"[:300]
        log.warning("provider_plugin_broken", plugin=point.name, reason=reason)
    else:
        KINDS[kind.name] = kind
        log.info("provider_plugin_installed", plugin=kind.name, package=kind.package)


def fit(given: Any, name: str, package: str | None = None, *, registered: bool = True) -> Kind:
    """The kind as it is registered under its entry point's name; raises UnfitKind.

    One that is not to be `registered` may share what is another's in this process.
    """
    kind = _with_package(given, package)
    mistakes = [*_mistakes(kind, name), *(_taken(kind) if registered else ())]
    if mistakes:
        raise UnfitKind(mistakes[0])
    return kind


def _with_package(given: Any, package: str | None) -> Kind:
    if isinstance(given, HttpKind):
        return replace(given, package=package)
    return WholeKind.of(given, package)


def _mistakes(kind: Kind, name: str) -> Iterator[str]:
    if kind.name != name or not NAME.fullmatch(name):
        yield f"its kind is named {kind.name!r}, not as its entry point, or has no fit name."
    label = kind.label
    if not isinstance(label, str) or not (label.isprintable() and 0 < len(label) <= 60):
        yield "its label must be a line of 1 to 60 characters."
    if not isinstance(kind.dialect, str) or not NAME.fullmatch(kind.dialect):
        yield f"its dialect must be like {NAME.pattern}."
    if kind.base_url is not None and not ADDRESS.fullmatch(kind.base_url):
        yield "its base URL must be like https://host/path, or None."
    for variable in _variables(kind):
        if not VARIABLE.fullmatch(variable):
            yield f"its variable must be like {VARIABLE.pattern}."
    yield from _wrong_words(kind)


def _taken(kind: Kind) -> Iterator[str]:
    taken = {variable for other in KINDS.values() for variable in _variables(other)}
    for variable in _variables(kind):
        # Another provider's key would be sent to this one's address.
        if variable in taken:
            yield f"its variable {variable} is another kind's."


def _variables(kind: Kind) -> list[str]:
    return [variable for variable in (kind.key_variable, kind.address_variable) if variable]


def _wrong_words(kind: Kind) -> Iterator[str]:
    address = kind.base_url or SOME_ADDRESS
    if unknown := kind.takes(address) - OPTIONAL.keys():
        yield f"it takes {sorted(unknown)}, which no request has."
    if isinstance(kind, WholeKind):
        if kind.dialect in PASSED_ON:
            yield f"its dialect is {kind.dialect}, for which a codec is needed."
    elif kind.codec(address).dialect != kind.dialect:
        yield f"its dialect is {kind.dialect}, but its codec's is not."
