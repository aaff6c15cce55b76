"""Walks a scope: begins what is ready, and settles ends in the order in which they were kept.

The order is what makes a run repeatable. Ends that are kept already are settled by their positions,
before any end of this process; so every choice that depends on who came first (`join: any`, a
failure among several branches) falls as it fell before the process died.
"""

import asyncio
import heapq
from collections.abc import Mapping
from typing import Any, Final, Protocol

from app.automation.engine.errors import WorkflowFailed
from app.automation.engine.faults import error_of
from app.automation.engine.graph import Graph
from app.automation.engine.steps import End
from app.automation.engine.telling import Telling
from app.automation.language.expressions import evaluate, holds
from app.automation.language.flow import ERROR, OUT, TIMEOUT, Node
from app.automation.language.templates import copied, rendered
from app.automation.nodes.node_type import PureNode, StepFault
from app.automation.nodes.registry import NodeTypes
from app.core.schema import Input
from app.core.tasks import stop_tasks

Names = dict[str, Any]
"""What expressions see: `inputs`, `vars`, `run`, `nodes`, and what a container adds."""

PENDING: Final = {"status": "pending", "output": None, "error": None, "port": None}
SKIPPED: Final = {"status": "skipped", "output": None, "error": None, "port": None}


class Stepping(Protocol):
    """Who carries out what is not computed on the spot."""

    async def carried_out(
        self, node: Node, path: str, names: Names, settings: dict[str, Any] | None = None
    ) -> End:
        """How the node ended; with `settings`, what it is given is not read from the definition."""
        ...

    def kept(self, node: Node, path: str) -> End | None:
        """How the node has ended already, in this process or in one before."""
        ...


class Walk:
    """One walk through one scope."""

    def __init__(
        self,
        graph: Graph,
        prefix: str,
        names: Names,
        types: NodeTypes,
        stepping: Stepping,
        telling: Telling,
    ) -> None:
        self._graph = graph
        self._prefix = prefix
        self._types = types
        self._stepping = stepping
        self._telling = telling
        self._nodes: dict[str, Any] = {**names["nodes"], **dict.fromkeys(graph.places, PENDING)}
        self._names: Names = {**names, "nodes": self._nodes}
        self._undecided = list(graph.incoming)
        self._open = [0] * len(graph.nodes)
        self._begun = [False] * len(graph.nodes)
        # By place in the document, so that what is ready begins in that order.
        self._ready = [place for place, count in enumerate(graph.incoming) if not count]
        self._ended: list[tuple[int, int, End]] = []
        self._under_way: dict[asyncio.Task[End], int] = {}

    async def walk(self) -> Any:
        """What the scope gives; raises WorkflowFailed, with all that was under way stopped."""
        try:
            while True:
                self._begin_ready()
                if self._ended:
                    _, place, end = heapq.heappop(self._ended)
                    self._settle(place, end)
                elif self._under_way:
                    await self._wait()
                else:
                    return self._output()
        finally:
            await self._stop()

    def _begin_ready(self) -> None:
        while self._ready:
            place = heapq.heappop(self._ready)
            if not self._begun[place]:
                self._begun[place] = True
                self._begin(place)

    def _begin(self, place: int) -> None:
        node = self._graph.nodes[place]
        if self._graph.incoming[place] and not self._open[place]:
            self._skip(place, node)
            return
        path = self._prefix + node.id
        node_type = self._types.get(node.type, node.v)
        if isinstance(node_type, PureNode):
            self._settle(place, self._computed(place, node_type, path))
            return
        end = self._stepping.kept(node, path)
        if end is not None:
            heapq.heappush(self._ended, (end.position, place, end))
            return
        # The node sees what has been settled by now, whatever ends while it is under way.
        names = {**self._names, "nodes": dict(self._nodes)}
        work = self._stepping.carried_out(node, path, names)
        self._under_way[asyncio.ensure_future(work)] = place

    def _computed(self, place: int, node_type: PureNode[Any], path: str) -> End:
        node = self._graph.nodes[place]
        config = self._fixed(place, node_type)
        try:
            if config is not None:
                given = node_type.compute(config, self._evaluate)
                # Other runs are given the same settings: none may change what they give.
                output = copied(given.output)
            else:
                config = self._types.configured(node_type, node.with_, self._names)
                given = node_type.compute(config, self._evaluate)
                output = given.output
        except StepFault as fault:
            end = End(0, ERROR, None, error_of(fault))
        else:
            end = End(0, given.port, output)
        self._telling.computed(node, path, end)
        return end

    def _evaluate(self, source: str) -> Any:
        return evaluate(source, self._names)

    def _fixed(self, place: int, node_type: PureNode[Any]) -> Input | None:
        """The settings of a node where they are the same in every run; read once for all."""
        known = self._graph.fixed.get(place)
        if known is None or known[0] is not node_type:
            settings = self._graph.nodes[place].with_
            known = self._graph.fixed[place] = node_type, self._types.fixed(node_type, settings)
        return known[1]

    def _skip(self, place: int, node: Node) -> None:
        self._nodes[node.id] = SKIPPED
        self._telling.skipped(node, self._prefix + node.id)
        for _, to in self._graph.outgoing[place]:
            self._decide(to, is_open=False)

    def _settle(self, place: int, end: End) -> None:
        node = self._graph.nodes[place]
        port, status = end.port, "ok"
        if end.error is not None:
            port, status = self._port_of_failure(place, node, end), "error"
        self._nodes[node.id] = {
            "status": status,
            "output": end.output,
            "error": end.error,
            "port": port,
        }
        decided = [
            (to, edge.port == port and (edge.when is None or self._holds(edge.when, node, end)))
            for edge, to in self._graph.outgoing[place]
        ]
        if end.error is not None and not (
            node.on_error == "continue" or any(is_open for _, is_open in decided)
        ):
            raise self._failed(node, end.error)
        for to, is_open in decided:
            self._decide(to, is_open=is_open)

    def _port_of_failure(self, place: int, node: Node, end: End) -> str:
        """By which port a node leaves that has failed; raises WorkflowFailed where by none."""
        error = end.error or {}
        if error.get("code") == TIMEOUT and self._graph.has_port(place, TIMEOUT):
            return TIMEOUT
        if self._graph.has_port(place, ERROR):
            return ERROR
        if node.on_error == "continue":
            return OUT
        raise self._failed(node, error)

    def _failed(self, node: Node, error: Mapping[str, Any]) -> WorkflowFailed:
        return WorkflowFailed(error.get("path") or self._prefix + node.id, dict(error))

    def _holds(self, when: str, node: Node, end: End) -> bool:
        names: Mapping[str, Any] = {**self._names, "error": end.error}
        try:
            return holds(when, names)
        except StepFault as fault:
            raise WorkflowFailed(self._prefix + node.id, error_of(fault)) from None

    def _decide(self, to: int, *, is_open: bool) -> None:
        self._undecided[to] -= 1
        self._open[to] += is_open
        if self._begun[to]:
            return
        first = is_open and self._graph.nodes[to].join == "any"
        if first or not self._undecided[to]:
            heapq.heappush(self._ready, to)

    async def _wait(self) -> None:
        await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        for task in [each for each in self._under_way if each.done()]:
            end = task.result()
            heapq.heappush(self._ended, (end.position, self._under_way.pop(task), end))

    async def _stop(self) -> None:
        await stop_tasks(self._under_way)
        for task in self._under_way:
            # Looked at, so that nobody misses it: the first failure is the one that counts.
            if task.done() and not task.cancelled():
                task.exception()

    def _output(self) -> Any:
        outputs = self._graph.scope.outputs
        if outputs is None:
            leaves = [
                node.id
                for place, node in enumerate(self._graph.nodes)
                if not self._graph.outgoing[place]
            ]
            given = {leaf: self._nodes[leaf]["output"] for leaf in leaves}
            return given[leaves[0]] if len(leaves) == 1 else given
        try:
            return rendered(outputs, self._names)
        except StepFault as fault:
            raise WorkflowFailed(f"{self._prefix}outputs", error_of(fault)) from None
