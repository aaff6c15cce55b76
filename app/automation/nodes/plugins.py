"""Node types out of other packages: the entry points of the group `luminous.node_types`.

One leads to a node type (a class that takes nothing, or an instance) named as the entry point is.
"""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from app.automation.language.checking import findings_of
from app.automation.language.flow import DSL
from app.automation.nodes.node_type import (
    ContainerNode,
    NodeType,
    PureNode,
    TaskNode,
    WaitingNode,
)
from app.automation.nodes.registry import NodeTypes
from app.core.log import get_logger
from app.core.schema import Input

log = get_logger(__name__)

GROUP: Final = "luminous.node_types"
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_KINDS: Final = (PureNode, TaskNode, WaitingNode)


class UnfitType(Exception):
    """A plug-in's node type that cannot be registered; the message says why."""


def with_plugins(own: Iterable[NodeType[Any]], choice: str) -> NodeTypes:
    """Our own types and the plug-ins' that the operator wants.

    `choice` is `on`, `off`, or names of entry points with commas between them. A plug-in that is
    broken, unfit, or of a name that is taken is left out with a line in the log.
    """
    types = list(own)
    wanted = None if choice == "on" else set(choice.split(",")) - {"off"}
    found = [point for point in _found() if wanted is None or point.name in wanted]
    for point in found:
        if any(each.name == point.name for each in types):
            # Before any of its code runs.
            log.warning("node_plugin_refused", plugin=point.name, reason="its name is taken.")
        elif (made := _loaded(point)) is not None:
            types.append(made)
    for name in sorted((wanted or set()) - {point.name for point in found}):
        log.warning("node_plugin_missing", plugin=name)
    return NodeTypes(types)


def _found() -> list[EntryPoint]:
    """In the order of their packages, so that the same one wins a name at every start."""
    try:
        return sorted(entry_points(group=GROUP), key=_package)
    except Exception as error:  # noqa: BLE001 - what installed metadata can be
        log.warning("node_plugins_unreadable", reason=f"{error}"[:300])
        return []


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _loaded(point: EntryPoint) -> NodeType[Any] | None:
    try:
        made = fit(point.load(), point.name)
    except UnfitType as error:
        log.warning("node_plugin_refused", plugin=point.name, reason=str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - another's code can raise anything
        reason = f"{type(error).__name__}: {error}"[:300]
        log.warning("node_plugin_broken", plugin=point.name, reason=reason)
    else:
        log.info("node_plugin_installed", plugin=made.name, package=_package(point))
        return made
    return None


def fit(given: Any, name: str) -> NodeType[Any]:
    """The node type, as it may be registered; raises UnfitType."""
    made = given() if isinstance(given, type) else given
    for mistake in _mistakes(made, name):
        raise UnfitType(mistake)
    assert isinstance(made, NodeType)  # noqa: S101 - looked at just now
    return made


def _mistakes(made: Any, name: str) -> Iterator[str]:
    if not isinstance(made, _KINDS) or isinstance(made, ContainerNode):
        yield "it is neither a PureNode nor a TaskNode nor a WaitingNode."
        return
    if made.name != name or not NAME.fullmatch(name):
        yield f"it is named {made.name!r}, not as its entry point, or has no fit name."
    if not (isinstance(made.config, type) and issubclass(made.config, Input)):
        yield "its config is not a model that derives from Input."
        return
    document = {"dsl": DSL, "nodes": [dict(made.example)]}
    _, findings = findings_of(document, NodeTypes([made]))
    for wrong in findings.errors:
        yield f"its example does not validate: {wrong.pointer}: {wrong.detail}."
