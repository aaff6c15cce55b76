"""Expressions and prompts: whether they can be read, and whether what they name is there."""

from collections.abc import Iterable
from typing import Any, Final

from app.automation.language.cel.parts import Chain
from app.automation.language.cel.values import written
from app.automation.language.checks.view import View, Whole
from app.automation.language.checks.words import of_root
from app.automation.language.expressions import ExpressionUnfit, compiled
from app.automation.language.marks import CEL, JINJA, Marks
from app.automation.language.prompts import PromptUnfit, chains_in
from app.automation.language.templates import (
    OPENED,
    Found,
    Source,
    TemplateUnfit,
    pieces_of,
    templates_in,
)

_OF_NODE: Final = ("error", "output", "port", "status")
_OF_RUN: Final = ("id", "started_at", "trigger", "workflow")
_WHERE: Final = {
    "item": "in the body of a `map`",
    "index": "in the body of a `map` or a `loop`",
    "last": "in the body of a `loop`",
    "error": "in `catch`, `finally`, `retry.when`, and edges by the port `error`",
    "event": "in `match`",
}


class Reading:
    """Checks what is written in one place of the definition."""

    def __init__(self, whole: Whole, view: View) -> None:
        self._whole = whole
        self._view = view

    def template(self, template: Any, at: str, marks: Marks | None = None) -> None:
        """JSON with templates in it."""
        for found in templates_in(template, at, marks):
            if self._whole.findings.is_full:
                return
            if found.kind == CEL:
                self._marked(found)
            elif found.kind == JINJA:
                self._prompt(found)
            else:
                self._pieces(found)

    def expression(self, source: str, at: str) -> None:
        """A bare expression."""
        if source.lstrip().startswith(OPENED):
            said = "is an expression already: leave out the braces"
            self._whole.findings.add(at, "expression_invalid", said)
            return
        try:
            chains = compiled(source).chains
        except ExpressionUnfit as error:
            self._whole.findings.add(at, "expression_invalid", f"`{_short(source)}`: {error}")
        else:
            self._chains(chains, at)

    def _marked(self, found: Found) -> None:
        reading = self
        if (mark := found.mark) is not None and (mark.names or mark.alone):
            view = (
                View(names=mark.names, bases=frozenset())
                if mark.alone
                else (self._view.with_names(mark.names))
            )
            reading = Reading(self._whole, view)
        reading.expression(found.text, found.pointer)

    def _pieces(self, found: Found) -> None:
        try:
            pieces = pieces_of(found.text)
        except TemplateUnfit as error:
            self._whole.findings.add(found.pointer, "template_invalid", str(error))
            return
        for piece in pieces:
            if isinstance(piece, Source):
                self.expression(piece, found.pointer)

    def _prompt(self, found: Found) -> None:
        try:
            chains = chains_in(found.text)
        except PromptUnfit as error:
            self._whole.findings.add(found.pointer, "prompt_invalid", str(error))
        else:
            self._chains(chains, found.pointer)

    def _chains(self, chains: Iterable[Chain], at: str) -> None:
        for chain in chains:
            mistake = self._mistake(chain)
            if mistake is not None:
                self._whole.findings.add(at, *mistake)

    def _mistake(self, chain: Chain) -> tuple[str, str] | None:
        root = str(chain[0])
        step = chain[1] if len(chain) > 1 else None
        if root in self._view.names:
            return None
        if root not in self._view.bases:
            return "name_unknown", self._no_name(root)
        if step is None:
            return None
        if root == "nodes":
            return self._node_mistake(str(step), chain[2] if len(chain) > 2 else None)
        return self._field_mistake(root, str(step))

    def _no_name(self, root: str) -> str:
        if root in self._whole.holders and "nodes" in self._view.bases:
            return f"there is no `{root}` here; a node's output is `nodes.{root}.output`"
        if root in _WHERE:
            return f"there is no `{root}` here: it is seen {_WHERE[root]}"
        known = sorted(self._view.bases | self._view.names)
        told = ", ".join(f"`{name}`" for name in known)
        return f"there is no `{root}` here, but {told}{of_root(root) or self._near(root, known)}"

    def _node_mistake(self, node_id: str, field: str | int | None) -> tuple[str, str] | None:
        if node_id not in self._whole.holders:
            # Those that are seen here come first.
            near = self._near(node_id, [*sorted(self._view.nodes), *self._whole.holders])
            return "node_unknown", f"there is no node `{node_id}`{near}"
        if node_id not in self._view.nodes:
            return "node_not_upstream", self._not_upstream(node_id)
        if field is not None and field not in _OF_NODE:
            known = ", ".join(f"`{name}`" for name in _OF_NODE)
            said = f"`nodes.{node_id}` has no `{field}`, but {known}"
            meant = written(("nodes", node_id, "output", field))
            return "node_field_unknown", f"{said}: is it `{meant}`?"
        return None

    def _near(self, name: str, known: Iterable[str]) -> str:
        return self._whole.findings.near(name, known)

    def _not_upstream(self, node_id: str) -> str:
        mine = self._view.holders
        for place, (container, name) in enumerate(self._whole.holders[node_id]):
            if mine[place : place + 1] != ((container, name),):
                said = f"`{node_id}` is in `{name}` of `{container}`, and seen within that alone"
                if container in self._view.nodes:
                    said += f": what that gives is `nodes.{container}.output`"
                return said
        return f"`{node_id}` does not end before this begins: no edges lead from it to here"

    def _field_mistake(self, root: str, step: str) -> tuple[str, str] | None:
        closed = self._whole.closed_inputs
        if root == "inputs" and closed is not None and step not in closed:
            return "input_unknown", f"the inputs have no `{step}`{self._near(step, sorted(closed))}"
        if root == "vars" and step not in self._whole.flow.vars:
            near = self._near(step, self._whole.flow.vars)
            return "var_unknown", f"`vars` has no `{step}`{near}"
        if root == "run" and step not in _OF_RUN:
            known = ", ".join(f"`{name}`" for name in _OF_RUN)
            return "run_field_unknown", f"`run` has no `{step}`, but {known}"
        return None


def _short(source: str) -> str:
    return source if len(source) <= 80 else f"{source[:80]}…"
