"""Definitions as runs follow them: read once for all the runs of one text."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from app.automation.engine.graph import Graph, graph_of
from app.automation.language.flow import Flow, Scope
from app.automation.language.templates import copied

# Of the texts that are kept: what is read of one takes up to thirty times as much.
MOST_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class Plan:
    """A definition with the graphs of its scopes, which runs share.

    Nobody changes it: what a run may change (its `vars`, settings, defaults) it has as a copy.
    """

    flow: Flow
    _graphs: dict[int, Graph] = field(default_factory=dict)

    @property
    def vars(self) -> dict[str, Any]:
        """For one run, as its own."""
        return {name: copied(value) for name, value in self.flow.vars.items()}

    def graph(self, scope: Scope) -> Graph:
        """Of one of the definition's own scopes, made once."""
        found = self._graphs.get(id(scope))
        if found is None:
            found = self._graphs[id(scope)] = graph_of(scope)
        return found


class Plans:
    """Those of a process that were wanted last, up to so many bytes of their texts."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[bytes, Plan] = OrderedDict()

    def of(self, definition: Mapping[str, Any]) -> Plan:
        """Raises ValidationError for what is none."""
        text = orjson.dumps(definition)
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
            return found
        plan = Plan(Flow.model_validate(orjson.loads(text)))
        if len(text) <= self._most:
            self._kept[text] = plan
            self._bytes += len(text)
        while self._bytes > self._most:
            oldest, _ = self._kept.popitem(last=False)
            self._bytes -= len(oldest)
        return plan
