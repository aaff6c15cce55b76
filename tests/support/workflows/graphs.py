"""Random definitions whose result does not depend on who comes first.

Nodes behind a `join: any` give constants: which of those before them had ended is left to chance.
"""

import random
import re
from dataclasses import dataclass, field
from typing import Any

KINDS = (
    "work", "work", "work", "transform", "condition", "map", "loop", "try", "parallel",
    "wait", "approval", "failing", "cached",
)  # fmt: skip


def place_of(path: str) -> str:
    """A path as it is in the first item and turn of all that it lies in."""
    return re.sub(r"\[\d+\]", "[0]", path)


@dataclass
class Graphs:
    """Makes definitions of one seed; `mail` is what their approvals are to be brought.

    With an `address`, work is done there, over HTTP.
    """

    seed: int
    address: str | None = None
    mail: dict[str, Any] = field(default_factory=dict)
    _ports: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)  # noqa: S311 - a seed
        self._count = 0

    def definition(self) -> dict[str, Any]:
        return self._scope("", 0)

    def _scope(self, prefix: str, depth: int, extra: str = "0") -> dict[str, Any]:
        chance = self._chance
        nodes: list[dict[str, Any]] = []
        edges: list[dict[str, Any]] = []
        races: set[str] = set()
        for _ in range(chance.randint(1, 3 if depth else 7)):
            before = [each["id"] for each in nodes]
            sources = chance.sample(before, min(len(before), chance.randint(0, 3)))
            node, ports = self._node(prefix, depth, sources, extra)
            nodes.append(node)
            for source in sources:
                port = chance.choice(self._ports.get(source, ["out"]))
                edges.append({"from": source, "to": node["id"], "port": port})
            self._ports[node["id"]] = ports
            if len(sources) > 1 and chance.random() < 0.3:
                node["join"] = "any"
                self._constant(node)
                races.add(node["id"])
            elif races & set(sources):
                races.add(node["id"])
                self._constant(node)
        kept = [each["id"] for each in nodes if each["id"] not in races]
        outputs = {name: f"{{{{ nodes.{name}.status }}}}" for name in kept}
        if self.address is None:
            outputs |= {f"{name}_v": f"{{{{ nodes.{name}.output }}}}" for name in kept}
        return {"nodes": nodes, "edges": edges, "outputs": outputs}

    def _node(
        self, prefix: str, depth: int, sources: list[str], extra: str
    ) -> tuple[dict[str, Any], list[str]]:
        """A node, and the ports by which it can leave."""
        self._count += 1
        kind = self._chance.choice(KINDS if depth < 2 else KINDS[:5])
        node: dict[str, Any] = {"id": f"n{self._count}", "type": kind}
        seen = [f"(nodes.{each}.status == 'ok' ? 1 : 2)" for each in sources]
        value = " + ".join([*seen, extra, str(depth)])
        if kind in ("work", "cached", "failing"):
            return node, self._working(node, kind, value)
        if kind in ("map", "loop", "parallel", "try"):
            self._container(node, kind, prefix + node["id"], depth)
            return node, ["out"]
        return node, self._plain(node, kind, value, prefix, depth)

    def _working(self, node: dict[str, Any], kind: str, value: str) -> list[str]:
        chance, name = self._chance, node["id"]
        work = {"value": f"{{{{ {value} }}}}", "turns": chance.randint(0, 6)}
        node |= self._work(work)
        if kind == "failing":
            work["fails"] = 99
            if chance.random() < 0.3:
                node["on_error"] = "continue"
                return ["out"]
            return ["error"]
        if kind == "cached":
            node["cache"] = {"ttl": "1h", "key": [name, work["value"]]}
        elif chance.random() < 0.4:
            work["fails"] = chance.randint(1, 2)
            node["retry"] = {"max": 3, "delay": "0.01s"}
        if chance.random() < 0.3:
            node["compensate"] = self._work({"value": f"{{{{ nodes.{name}.port }}}}"})
        return ["out"]

    def _plain(
        self, node: dict[str, Any], kind: str, value: str, prefix: str, depth: int
    ) -> list[str]:
        if kind == "transform":
            node["with"] = {"value": {"v": f"{{{{ {value} }}}}"}}
        elif kind == "condition":
            node["with"] = {"if": f"({value}) % 2 == 0"}
            return ["true", "false"]
        elif kind == "wait":
            node["with"] = {"for": "1h" if self.address is None else "0.5s"}
        else:
            node["with"] = {"title": "Go on?"}
            decision = self._chance.choice(["approve", "reject"])
            mail = {"decision": decision, "data": {"n": depth}}
            self.mail[prefix + node["id"]] = mail
            return ["out", "rejected"]
        return ["out"]

    def _work(self, settings: dict[str, Any]) -> dict[str, Any]:
        if self.address is None:
            return {"type": "work", "with": settings}
        url = f"{self.address}/work"
        return {"type": "http", "with": {"method": "POST", "url": url, "body": settings}}

    def _container(self, node: dict[str, Any], kind: str, path: str, depth: int) -> None:
        chance = self._chance
        if kind == "map":
            items = [chance.randint(0, 9) for _ in range(chance.randint(0, 4))]
            node["with"] = {
                "items": items,
                "concurrency": chance.randint(1, 4),
                "on_error": chance.choice(["fail", "collect"]),
            }
            node["body"] = self._scope(f"{path}[0]/", depth + 1, "item")
        elif kind == "loop":
            node["with"] = {"max": chance.randint(1, 3), "init": 0}
            node["body"] = self._scope(f"{path}[0]/", depth + 1, "index")
        elif kind == "parallel":
            node["branches"] = {
                label: self._scope(f"{path}/", depth + 1) for label in ("left", "right")
            }
        else:
            node["body"] = self._scope(f"{path}/", depth + 1)
            if chance.random() < 0.7:
                node["catch"] = self._scope(f"{path}/", depth + 1)
            if chance.random() < 0.3:
                node["finally"] = self._scope(f"{path}/", depth + 1)

    def _constant(self, node: dict[str, Any]) -> None:
        """Have the node give the same, whoever came first."""
        settings = node.get("with", {})
        if "value" in settings:
            settings["value"] = {"v": 7} if node["type"] == "transform" else 7
        if "body" in settings:
            settings["body"]["value"] = 7
        if "if" in settings:
            settings["if"] = "true"
