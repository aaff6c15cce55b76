"""The node types that need nothing of the process: decisions, scopes, waits and questions."""

from typing import Any, Final

from app.automation.nodes.approval import Approval
from app.automation.nodes.containers import Loop, Map, Parallel, Try
from app.automation.nodes.node_type import NodeType
from app.automation.nodes.pure import Condition, Switch, Transform
from app.automation.nodes.wait import Wait

PLAIN: Final[tuple[NodeType[Any], ...]] = (
    Approval(),
    Condition(),
    Loop(),
    Map(),
    Parallel(),
    Switch(),
    Transform(),
    Try(),
    Wait(),
)
