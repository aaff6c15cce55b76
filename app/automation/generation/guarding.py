"""What a model may not write by itself, and what people are told of before they use it.

What a description, an error or a document says is no permission: only the request's own fields are.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from app.automation.generation.schemas import Allowed
from app.automation.generation.surroundings import Surroundings
from app.automation.language.flow import ERROR, OUT, TIMEOUT, Flow, Node, Scope
from app.automation.language.walks import scopes_of
from app.automation.workflows.references import nodes_of
from app.core.errors import FieldError

AT: Final = "/definition"
_TEMPLATE: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_ADDRESS: Final = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
_HOST: Final = re.compile(r"(?:https?://)?((?:[\w-]+\.)+[a-z]{2,})", re.IGNORECASE)
_PASSED_BY: Final = ("rejected", TIMEOUT, ERROR)
_CODE: Final = frozenset({"code", "dagger"})
_CODE_TOOLS: Final = frozenset({"run_code", "builtin:run_code"})
# By the place in a node's settings that names one.
_NAMED: Final = {
    ("agent", "agent"): "agents",
    ("subworkflow", "workflow"): "workflows",
    ("retrieve", "collections"): "collections",
    ("connector", "options/collection"): "collections",
    ("tool", "tool"): "tools",
}


@dataclass(slots=True)
class Guarded:
    """`refused` are mistakes that the model has to mend, `warned` what people should look at."""

    refused: list[FieldError] = field(default_factory=list)
    warned: list[FieldError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rules:
    """`hosts` are those that the caller has named, wherever."""

    around: Surroundings
    allowed: Collection[Allowed]
    hosts: frozenset[str]
    most_nodes: int


def rules_of(
    around: Surroundings, allowed: Collection[Allowed], most_nodes: int, said: str
) -> Rules:
    """`said` are the caller's own words: hosts in them are no surprise."""
    named = {each.casefold() for each in _HOST.findall(said)}
    return Rules(around, allowed, around.hosts | named, most_nodes)


def guarded(flow: Flow, rules: Rules, base: Flow | None = None) -> Guarded:
    """What is not allowed in a definition; what `base` has already is its author's doing."""
    found = _guarded(flow, rules)
    if base is not None:
        before = _guarded(base, rules)
        known = {(each.code, each.detail) for each in (*before.refused, *before.warned)}
        found.refused = [each for each in found.refused if (each.code, each.detail) not in known]
        found.warned = [each for each in found.warned if (each.code, each.detail) not in known]
    return found


def _guarded(flow: Flow, rules: Rules) -> Guarded:
    found = Guarded()
    nodes = list(nodes_of(flow, AT))
    if len(nodes) > rules.most_nodes:
        said = f"it has {len(nodes)} nodes, and may have {rules.most_nodes}"
        found.refused.append(FieldError(f"{AT}/nodes", "too_many_nodes", said))
    if _has_secret(flow.vars):
        found.refused.append(FieldError(f"{AT}/vars", "secret_written", "a secret stands in it"))
    for place, node in nodes:
        for within, kind, settings in _settings_of(place, node):
            _look_at(found, rules, within, node.id, kind, settings)
    _look_at_approvals(found, rules, flow, AT)
    return found


def _settings_of(place: str, node: Node) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    yield place, node.type, node.with_
    if undo := node.compensate:
        yield f"{place}/compensate", undo.type, undo.with_


def _look_at(
    found: Guarded, rules: Rules, at: str, node_id: str, kind: str, settings: Mapping[str, Any]
) -> None:
    if (lack := rules.around.missing.get(kind)) is not None:
        said = f"`{node_id}`: nothing of the type `{kind}` can run here: {lack}"
        found.refused.append(FieldError(f"{at}/type", "node_type_not_ready", said))
    found.refused += _not_offered(rules.around, at, node_id, kind, settings)
    if _has_secret(settings):
        said = f"`{node_id}`: a secret stands in it; secrets belong in credentials"
        found.refused.append(FieldError(f"{at}/with", "secret_written", said))
    if kind == "tool" and settings.get("approval") == "never":
        said = f"`{node_id}`: nobody is to agree to the call of this tool"
        _unless(found, rules, "approval_never", FieldError(f"{at}/with", "approval_waived", said))
    if kind in _CODE or (kind == "tool" and settings.get("tool") in _CODE_TOOLS):
        said = f"`{node_id}`: code that a model has written runs here"
        _unless(found, rules, "code", FieldError(f"{at}/type", "code_written", said))
    for host in _hosts_in(settings):
        _look_at_host(found, rules, at, node_id, host)


def _not_offered(
    around: Surroundings, at: str, node_id: str, kind: str, settings: Mapping[str, Any]
) -> Iterator[FieldError]:
    for field_name, name in _names_in(kind, settings):
        what = _NAMED[kind, field_name]
        offered = around.offered.get(what)
        if offered is not None and name not in offered:
            said = f"`{node_id}`: `{name}` is not among the {what} that may be used"
            yield FieldError(f"{at}/with/{field_name}", "not_offered", said)
    is_bounded = around.offered.get("collections") is not None
    if kind == "retrieve" and is_bounded and not settings.get("collections"):
        said = f"`{node_id}`: without `collections` it searches more than those that may be used"
        yield FieldError(f"{at}/with", "not_offered", said)
    for credential in _credentials_in(settings):
        if credential not in around.credentials:
            said = f"`{node_id}`: nobody has said that the credential `{credential}` may be used"
            yield FieldError(f"{at}/with", "credential_not_offered", said)


def _unless(found: Guarded, rules: Rules, allowed: Allowed, mistake: FieldError) -> None:
    """A mistake, or a warning where the caller allows it."""
    (found.warned if allowed in rules.allowed else found.refused).append(mistake)


def _names_in(kind: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Places in the settings, with the names that stand there."""
    for node_type, place in _NAMED:
        value: Any = settings if node_type == kind else None
        for step in place.split("/"):
            value = value.get(step) if isinstance(value, Mapping) else None
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                yield place, each


def _credentials_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        named = value.get("credential")
        if isinstance(named, Mapping):
            named = named.get("name")
        if isinstance(named, str):
            yield named
        for each in value.values():
            yield from _credentials_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _credentials_in(each)


def _has_secret(settings: Any) -> bool:
    # It loads the patterns, which few processes need.
    from app.inference.guardrails.detectors.secrets import find_secrets  # noqa: PLC0415

    written = orjson.dumps(_without_names(settings)).decode()
    return next(iter(find_secrets(_TEMPLATE.sub("", written))), None) is not None


def _without_names(value: Any) -> Any:
    """Without the names of credentials, which look like what they stand for."""
    if isinstance(value, Mapping):
        return {key: _without_names(each) for key, each in value.items() if key != "credential"}
    return [_without_names(each) for each in value] if isinstance(value, list) else value


def _hosts_in(value: Any, key: str = "") -> Iterator[str | None]:
    """Hosts of addresses that stand in settings; None for one that is computed."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _hosts_in(each, str(name))
    elif isinstance(value, list):
        for each in value:
            yield from _hosts_in(each, key)
    elif isinstance(value, str):
        is_address = key == "url"
        for address in [value] if is_address else _ADDRESS.findall(value):
            yield _host_of(address)


def _host_of(address: str) -> str | None:
    try:
        host = urlsplit(address).hostname
    except ValueError:
        return None
    return None if host is None or "{" in host else host.casefold()


def _look_at_host(found: Guarded, rules: Rules, at: str, node_id: str, host: str | None) -> None:
    if host is None:
        said = f"`{node_id}`: where it calls is known only once it runs"
        found.warned.append(FieldError(f"{at}/with", "host_computed", said))
    elif host not in rules.hosts:
        said = f"`{node_id}`: nobody has named the host `{host}`"
        found.warned.append(FieldError(f"{at}/with", "host_unknown", said))


def _look_at_approvals(found: Guarded, rules: Rules, scope: Scope, at: str) -> None:
    """An approval that leads on as if it had been given where it was not."""
    for place, node in enumerate(scope.nodes):
        if node.type == "approval":
            agreed = _targets(scope, node.id, OUT)
            passed = [port for port in _PASSED_BY if agreed & _targets(scope, node.id, port)]
            if passed or node.on_error == "continue":
                said = f"`{node.id}`: it goes on as if agreed to, also by {', '.join(passed)}"
                said = said if passed else f"`{node.id}`: it goes on where asking has failed"
                mistake = FieldError(f"{at}/nodes/{place}", "approval_passed_over", said)
                _unless(found, rules, "approval_passed_over", mistake)
        for name, inner in scopes_of(node):
            _look_at_approvals(found, rules, inner, f"{at}/nodes/{place}/{name}")


def _targets(scope: Scope, node_id: str, port: str) -> set[str]:
    return {edge.to for edge in scope.edges if edge.from_ == node_id and edge.port == port}
