"""Whether a definition can run: every mistake at once, each with a pointer to where it is."""

from typing import Any, Final

import orjson

from app.agents.definitions.json_schemas import mistake_in
from app.automation.language.checks.form import read
from app.automation.language.checks.graph import (
    check_counts,
    check_graph,
    check_mock,
    check_scopes,
)
from app.automation.language.checks.names import Reading
from app.automation.language.checks.settings import (
    check_compensation,
    check_settings,
    known_type,
    warn_of_idle,
)
from app.automation.language.checks.view import Findings, View, Whole, ancestors_in, whole_of
from app.automation.language.checks.words import says_nothing, takes_objects
from app.automation.language.flow import ERROR, MOST_DEPTH, TIMEOUT, Flow, Node, Scope
from app.automation.language.types import KnownTypes
from app.automation.language.walks import scopes_of
from app.core.errors import FieldError, Unprocessable

AT: Final = "/body/definition"
MOST_BYTES: Final = 1024 * 1024
_WITH_ERROR: Final = frozenset({"error"})


class DefinitionUnfit(Unprocessable):
    """What is wrong with a definition, each with its pointer."""

    code = "flow_invalid"
    title = "The definition cannot run"


def check(document: Any, types: KnownTypes, *, pointer: str = AT) -> Flow:
    """The definition; raises DefinitionUnfit with all of its mistakes."""
    flow, findings = findings_of(document, types, pointer=pointer)
    if flow is None or findings.errors:
        raise DefinitionUnfit(_summary(findings.errors), errors=tuple(findings.errors))
    return flow


def findings_of(
    document: Any, types: KnownTypes, *, pointer: str = AT
) -> tuple[Flow | None, Findings]:
    """The definition, and its mistakes and warnings; None where its form is not one.

    Where fields of it are of the wrong form, the rest is checked without them, and beside such
    mistakes the flow is None.
    """
    wrong = _bulk_mistake(document)
    if wrong is not None:
        return None, Findings([FieldError(pointer, *wrong)])
    flow, mistakes, left_out = read(document, pointer, types)
    if flow is None:
        return None, Findings(mistakes)
    whole = whole_of(flow, types)
    _check(whole, pointer)
    own = [each for each in whole.findings.errors if not _is_below(each.pointer, left_out)]
    return (None if mistakes else flow), Findings([*mistakes, *own], whole.findings.warnings)


def _bulk_mistake(document: Any) -> tuple[str, str] | None:
    try:
        size = len(orjson.dumps(document))
    except TypeError:
        return "definition_unreadable", "is not JSON, or nested too deeply"
    if size > MOST_BYTES:
        said = f"has {size} bytes as JSON; {MOST_BYTES} are the most"
        return "definition_too_large", said
    return None


def _is_below(pointer: str, left_out: list[str]) -> bool:
    return any(pointer == each or pointer.startswith(f"{each}/") for each in left_out)


def _summary(errors: list[FieldError]) -> str:
    return "; ".join(f"{each.pointer}: {each.detail}" for each in errors[:3])


def _check(whole: Whole, at: str) -> None:
    flow = whole.flow
    for name, schema in (("inputs", flow.inputs), ("output_schema", flow.output_schema)):
        wrong = mistake_in(schema) if schema is not None else None
        if wrong is not None:
            whole.findings.add(f"{at}/{name}", "schema_invalid", wrong)
        elif schema is not None and says_nothing(schema):
            said = "holds no word of JSON Schema: fields stand in `properties`"
            whole.findings.warn(f"{at}/{name}", "without_effect", said)
    if flow.inputs is not None and not takes_objects(flow.inputs):
        whole.findings.add(f"{at}/inputs/type", "schema_invalid", "must be `object`")
    if not check_counts(whole, at):
        return
    begun = Reading(whole, View(bases=frozenset({"inputs", "vars"})))
    for name, limit in (("concurrency", flow.settings.concurrency), ("rate", flow.settings.rate)):
        if limit is not None:
            begun.template(limit.key, f"{at}/settings/{name}/key")
    _check_scope(whole, flow, at, View(), 0)


def _check_scope(whole: Whole, scope: Scope, at: str, view: View, depth: int) -> None:
    check_graph(whole, scope, at)
    before = ancestors_in(scope)
    for place, node in enumerate(scope.nodes):
        seen = view.with_nodes(*before[node.id])
        _check_node(whole, node, f"{at}/nodes/{place}", seen, depth)
    for place, edge in enumerate(scope.edges):
        if edge.when is not None and edge.from_ in before:
            seen = view.with_nodes(*before[edge.from_], edge.from_)
            if edge.port in (ERROR, TIMEOUT):
                seen = seen.with_names(_WITH_ERROR)
            Reading(whole, seen).expression(edge.when, f"{at}/edges/{place}/when")
    Reading(whole, view.with_nodes(*before)).template(scope.outputs, f"{at}/outputs")


def _check_node(whole: Whole, node: Node, at: str, view: View, depth: int) -> None:
    node_type = known_type(whole, node.type, node.v, at)
    if node_type is not None:
        check_settings(whole, node_type, node.with_, f"{at}/with", view)
        check_scopes(whole, node, node_type, at, depth)
        check_mock(whole, node, at)
        warn_of_idle(whole, node, node_type, at)
    if node.retry is not None and node.retry.when is not None:
        Reading(whole, view.with_names(_WITH_ERROR)).expression(node.retry.when, f"{at}/retry/when")
    if node.cache is not None:
        Reading(whole, view).template(node.cache.key, f"{at}/cache/key")
    if node.breaker is not None:
        Reading(whole, view).template(node.breaker.key, f"{at}/breaker/key")
    check_compensation(whole, node, f"{at}/compensate", view)
    for name, inner in scopes_of(node) if depth < MOST_DEPTH else ():
        names = node_type.scope_names.get(name, frozenset[str]()) if node_type else frozenset()
        within = view.with_names(names).within(node.id, name)
        _check_scope(whole, inner, f"{at}/{name}", within, depth + 1)
