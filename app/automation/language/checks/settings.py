"""A node by its type: that there is one, and that its settings are as that wants them."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from app.automation.language.checks.form import form_mistakes, value_at
from app.automation.language.checks.names import Reading
from app.automation.language.checks.view import View, Whole
from app.automation.language.flow import Node
from app.automation.language.marks import CEL, JINJA, NONE, Mark, Marks, marks_of
from app.automation.language.templates import OPENED
from app.automation.language.types import KnownType


def known_type(whole: Whole, name: str, version: int, at: str) -> KnownType | None:
    """The node type; a mistake where there is none."""
    found = whole.types.find(name, version)
    if found is None:
        versions = whole.types.versions(name)
        if versions:
            told = ", ".join(map(str, versions))
            said = f"`{name}` has no version {version}; it has {told}"
            whole.findings.add(f"{at}/v", "node_version_unknown", said)
        else:
            known = {each.name for each in whole.types}
            said = f"there is no node type `{name}`{whole.findings.near(name, sorted(known))}"
            whole.findings.add(f"{at}/type", "node_type_unknown", said)
    return found


def check_settings(
    whole: Whole, node_type: KnownType, settings: Mapping[str, Any], at: str, view: View
) -> None:
    """Strings that hold templates stand for any value."""
    marks = marks_of(node_type.config)
    Reading(whole, view).template(settings, at, marks)
    try:
        node_type.config.model_validate(dict(settings))
    except ValidationError as error:
        for place, mistake in form_mistakes(error, settings, at, node_type.config):
            if whole.findings.is_full:
                break
            is_extra = mistake.code == "extra_forbidden"
            if is_extra or not _stands_for_any(settings, place, marks):
                whole.findings.errors.append(mistake)


def _stands_for_any(settings: Any, place: tuple[str | int, ...], marks: Marks) -> bool:
    """Whether a template is there, or on the way there."""
    mark: Mark | Marks | None = marks
    for end in range(len(place) + 1):
        value = value_at(settings, place[:end])
        if end and isinstance(mark, Mapping) and isinstance(place[end - 1], str):
            mark = mark.get(str(place[end - 1]))
        if isinstance(value, str) and OPENED in value:
            return not (isinstance(mark, Mark) and mark.kind in (CEL, JINJA, NONE))
    return False


def check_compensation(whole: Whole, node: Node, at: str, view: View) -> None:
    """It sees the node's own end."""
    how = node.compensate
    if how is None:
        return
    node_type = known_type(whole, how.type, how.v, at)
    if node_type is None:
        return
    if node_type.kind != "task":
        said = f"`{how.type}` does nothing that undoes: it wants a node type that acts"
        whole.findings.add(f"{at}/type", "compensation_invalid", said)
        return
    check_settings(whole, node_type, how.with_, f"{at}/with", view.with_nodes(node.id))
    if how.retry is not None and how.retry.when is not None:
        within = view.with_nodes(node.id).with_names(frozenset({"error"}))
        Reading(whole, within).expression(how.retry.when, f"{at}/retry/when")


def warn_of_idle(whole: Whole, node: Node, node_type: KnownType, at: str) -> None:
    """Of what has no effect on a node of this kind."""
    idle = []
    if node_type.kind != "task":
        idle += [name for name in ("cache", "breaker") if getattr(node, name) is not None]
    if node_type.kind == "pure":
        idle += [name for name in ("retry", "timeout", "compensate") if getattr(node, name)]
    if node_type.kind == "waiting" and node.timeout and not {"for", "until"}.isdisjoint(node.with_):
        idle.append("timeout")  # a time is its own limit
    for name in idle:
        said = f"has no effect on `{node.type}`"
        whole.findings.warn(f"{at}/{name}", "without_effect", said)
