"""What the routes of workflows take from the running process."""

from typing import Annotated

from fastapi import Depends, Request

from app.automation.nodes.registry import NodeTypes
from app.automation.workflows.checking import Bench
from app.core.db import AsyncSession, on_commit
from app.core.kernel import Kernel
from app.knowledge.passages.indexer import JOB


def node_types_of(request: Request) -> NodeTypes:
    types: NodeTypes = request.app.state.automation.nodes
    return types


def bench_of(request: Request) -> Bench:
    return Bench(request.app.state.kernel.database, node_types_of(request))


NodeTypesDep = Annotated[NodeTypes, Depends(node_types_of)]
BenchDep = Annotated[Bench, Depends(bench_of)]


def find_later(session: AsyncSession, kernel: Kernel) -> None:
    """Have searches find what this request changes, once it is committed."""
    on_commit(session, lambda: kernel.nudge(JOB))
