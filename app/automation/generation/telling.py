"""What a generation or a repair leaves: the definition, and what speaks for each part of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from app.agents.definitions.changes import differences
from app.automation.generation.asking import Spent
from app.automation.generation.drafting import Missing, Written, quoted
from app.automation.generation.guarding import AT
from app.automation.language.flow import Flow, Node
from app.automation.language.walks import nodes_within
from app.automation.workflows.references import nodes_of, references
from app.core.errors import FieldError

MOST_OPERATIONS: Final = 200
_NO_EVIDENCE: Final = {"pointer": None, "path": None, "evidence": None, "because": None}
_HELD: Final = {"body", "catch", "finally_", "branches", "ui", "name", "mock"}


def generated(written: Written, description: str) -> dict[str, Any]:
    """Each node with why it is there, and the words of the description that ask for it."""
    said = {each.id: each for each in written.draft.nodes}
    nodes = []
    for place, node in nodes_of(written.flow, AT):
        of = said.get(node.id)
        quote = quoted(of.words, description) if of else None
        nodes.append(
            {
                "id": node.id,
                "type": node.type,
                "pointer": place,
                "why": of.why if of else "",
                "words": quote,
            }
        )
    return {
        "object": "workflow_generation",
        "definition": written.document,
        "nodes": nodes,
        "warnings": [*_told(written.warnings), *_gaps(written.draft.missing)],
        "assumptions": written.draft.assumptions,
        "evidence": {
            "uses": _uses(written.flow),
            "unfounded": [each["id"] for each in nodes if each["words"] is None],
        },
    }


def repaired(written: Written, wish: Mapping[str, Any]) -> dict[str, Any]:
    """What was changed, why, on which evidence, and as a JSON patch (RFC 6902)."""
    known = {each["id"] for each in wish["evidence"]}
    changes, left_out = [], 0
    for each in written.draft.changes:
        because = [mark for mark in each.because if mark in known]
        if because:
            changes.append({"what": each.what, "why": each.why, "because": because})
        else:
            left_out += 1
    patch = json_patch(wish["definition"], written.document)
    return {
        "object": "workflow_repair",
        "definition": written.document,
        "patch": patch[:MOST_OPERATIONS],
        "patch_truncated": len(patch) > MOST_OPERATIONS,
        "changes": changes,
        "left_out": left_out,
        "warnings": [*_told(written.warnings), *_gaps(written.draft.missing)],
        "assumptions": written.draft.assumptions,
        "evidence": [{**_NO_EVIDENCE, **each} for each in wish["evidence"]],
        "rerun": _rerun(written, wish),
    }


def usage(spent: Spent) -> dict[str, Any]:
    cost = spent.total.cost_usd
    return {
        "model": spent.model,
        "calls": spent.calls,
        "input_tokens": spent.total.input_tokens,
        "output_tokens": spent.total.output_tokens,
        "cost_usd": None if cost is None else f"{cost:f}",
    }


def json_patch(old: Any, new: Any) -> list[dict[str, Any]]:
    """The operations that lead from one document to the other.

    What leaves a list goes from its end on, so that the pointers before it hold.
    """
    changes = list(differences(old, new))
    gone = [each for each in changes if each.action == "removed"]
    made: list[dict[str, Any]] = [
        {
            "op": "add" if each.action == "added" else "replace",
            "path": each.pointer,
            "value": each.new,
        }
        for each in changes
        if each.action != "removed"
    ]
    return [*made, *({"op": "remove", "path": each.pointer} for each in reversed(gone))]


def _rerun(written: Written, wish: Mapping[str, Any]) -> dict[str, Any] | None:
    """How to have the failed run done again by what is proposed."""
    if wish["run_id"] is None:
        return None
    before = {each.id: _own(each) for each in nodes_within(Flow.model_validate(wish["definition"]))}
    changed = [each.id for each in nodes_within(written.flow) if before.get(each.id) != _own(each)]
    present = {each.id for each in nodes_within(written.flow)}
    failed = [each for each in wish["failed_nodes"] if each in present]
    nodes = list(dict.fromkeys([*failed, *changed]))
    return {
        "operation_id": "workflow_runs_rerun",
        "workflow_run_id": wish["run_id"],
        "body": {"from": nodes, "definition": written.document} if nodes else None,
    }


def _own(node: Node) -> dict[str, Any]:
    return node.model_dump(mode="json", exclude=_HELD)


def _uses(flow: Flow) -> list[dict[str, str]]:
    """What of the workspace it calls by name."""
    found = [
        {"pointer": pointer, "kind": kind, "name": name}
        for pointer, kind, name in references(flow, AT)
    ]
    for place, node in nodes_of(flow, AT):
        name = node.with_.get(node.type) if node.type in ("agent", "tool") else None
        if isinstance(name, str):
            pointer = f"{place}/with/{node.type}"
            found.append({"pointer": pointer, "kind": node.type, "name": name})
    return found


def _told(problems: Sequence[FieldError]) -> list[dict[str, Any]]:
    return [asdict(each) for each in problems]


def _gaps(missing: Sequence[Missing]) -> list[dict[str, Any]]:
    return [asdict(each) for each in gaps(missing)]


def gaps(missing: Sequence[Missing]) -> list[FieldError]:
    """What is missing, as a problem tells it."""
    return [
        FieldError("", "missing", f"{each.kind} `{each.name}`: {each.why}"[:500])
        for each in missing
    ]
