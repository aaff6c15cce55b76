"""What belongs together, and where to draw it: communities and places of a graph's nodes.

Both follow from the nodes and edges alone, so that the same graph is always drawn the same.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, isfinite, pi, sin, sqrt
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from app.knowledge.graph.walks.edges import Edge
from app.knowledge.graph.walks.paths import graph_of

if TYPE_CHECKING:
    import networkx  # type: ignore[import-untyped]  # it has none

SEED: Final = 7
MOST_STEPS: Final = 60
# What placing may cost: nodes squared, times steps.
WORK: Final = 30_000_000
MOST_KEPT: Final = 16
# However often two are told of together, they do not fall into one.
MOST_PULL: Final = 10.0


@dataclass(frozen=True, slots=True)
class Wish:
    resolution: float
    placed: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """The number of each node's community, the largest first, and its place from -1 to 1."""

    communities: Mapping[UUID, int]
    places: Mapping[UUID, tuple[float, float]]
    modularity: float


class Drawing:
    """One a process: what was drawn last is kept, and one thing is drawn at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Drawn] = OrderedDict()
        self._turn = asyncio.Lock()

    async def draw(self, nodes: Sequence[UUID], edges: Sequence[Edge], wish: Wish) -> Drawn:
        """In a thread, unless the same graph was drawn before."""
        key = _key(nodes, edges, wish)
        async with self._turn:
            drawn = self._kept.get(key)
            if drawn is None:
                drawn = await asyncio.to_thread(draw, nodes, edges, wish)
                self._kept[key] = drawn
                if len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
        return drawn


def draw(nodes: Sequence[UUID], edges: Sequence[Edge], wish: Wish) -> Drawn:
    """For a thread."""
    import networkx  # noqa: PLC0415 - 20 MB, for those who ask for pictures

    graph: networkx.Graph[Any] = networkx.Graph()
    graph.add_nodes_from(sorted(nodes))
    graph.add_edges_from(graph_of(edges).edges(data=True))
    groups = _groups(graph, wish)
    communities = {node: number for number, group in enumerate(groups) for node in group}
    modularity = networkx.community.modularity(graph, groups) if graph.size() else 0.0
    places = _places(graph, groups) if wish.placed else {}
    return Drawn(communities, places, round(float(modularity), 4))


def _groups(graph: "networkx.Graph[Any]", wish: Wish) -> list[set[UUID]]:
    import networkx  # noqa: PLC0415 - as above

    if not graph.size():
        return [{node} for node in graph]
    found = networkx.community.louvain_communities(
        graph, weight="weight", resolution=wish.resolution, seed=SEED
    )
    return sorted((set(group) for group in found), key=lambda group: (-len(group), min(group)))


def _places(
    graph: "networkx.Graph[Any]", groups: Sequence[set[UUID]]
) -> dict[UUID, tuple[float, float]]:
    """Communities around a circle first, and from there to where forces draw each node."""
    import numpy  # noqa: PLC0415 - as above

    if len(graph) == 1:
        return dict.fromkeys(graph, (0.0, 0.0))
    steps = max(1, min(MOST_STEPS, WORK // max(1, len(graph) ** 2)))
    begin = {node: numpy.array(at) for node, at in _circle(groups).items()}
    return _fitted(_spring(graph, begin, steps))


def _spring(
    graph: "networkx.Graph[Any]", begin: Mapping[UUID, Any], steps: int
) -> Mapping[UUID, Any]:
    """Fruchterman and Reingold's forces: edges draw together, and everything pushes apart.

    networkx has them for large graphs with scipy alone.
    """
    import networkx  # noqa: PLC0415 - as above
    import numpy  # noqa: PLC0415 - as above

    nodes = list(graph)
    ties = networkx.to_numpy_array(graph, nodelist=nodes, weight="weight", dtype="float32")
    ties = numpy.minimum(ties, MOST_PULL)
    at = numpy.array([begin[node] for node in nodes], dtype="float32")
    apart = 1 / sqrt(len(nodes))
    reach = float(numpy.ptp(at)) / 10
    for step in range(steps):
        between = at[:, None, :] - at[None, :, :]
        far = numpy.maximum(numpy.sqrt((between**2).sum(axis=2)), 0.01)
        force = apart * apart / far**2 - ties * far / apart
        moved = numpy.einsum("ijk,ij->ik", between, force)
        length = numpy.maximum(numpy.sqrt((moved**2).sum(axis=1)), 0.01)
        at += moved * (reach * (1 - step / steps) / length)[:, None]
    return dict(zip(nodes, at, strict=True))


def _circle(groups: Sequence[set[UUID]]) -> dict[UUID, tuple[float, float]]:
    """Each community around its own middle, by the golden angle."""
    begin = {}
    for number, group in enumerate(groups):
        middle = 2 * pi * number / len(groups)
        for rank, node in enumerate(sorted(group)):
            angle, far = rank * pi * (3 - sqrt(5)), 0.3 * sqrt(rank / len(group))
            begin[node] = (cos(middle) + far * cos(angle), sin(middle) + far * sin(angle))
    return begin


def _fitted(found: Mapping[UUID, Any]) -> dict[UUID, tuple[float, float]]:
    """Within -1 to 1, around the middle; what forces threw out of all bounds is in the middle."""
    known = {node: (float(x), float(y)) for node, (x, y) in found.items()}
    good = [each for each in known.values() if isfinite(each[0]) and isfinite(each[1])]
    if not good:
        return dict.fromkeys(known, (0.0, 0.0))
    middle = tuple(sum(each[axis] for each in good) / len(good) for axis in (0, 1))
    far = max(max(abs(x - middle[0]), abs(y - middle[1])) for x, y in good) or 1.0
    kept = set(good)
    return {
        node: (
            (round((at[0] - middle[0]) / far, 5), round((at[1] - middle[1]) / far, 5))
            if at in kept
            else (0.0, 0.0)
        )
        for node, at in known.items()
    }


def _key(nodes: Sequence[UUID], edges: Sequence[Edge], wish: Wish) -> bytes:
    told = [
        [wish.placed, wish.resolution],
        sorted(str(node) for node in nodes),
        sorted([str(e.id), str(e.source_id), str(e.target_id), e.weight] for e in edges),
    ]
    return hashlib.sha256(orjson.dumps(told)).digest()
