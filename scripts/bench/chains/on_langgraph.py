"""Chains of nodes on LangGraph with its Postgres saver: `python on_langgraph.py <database url>`."""

import sys
import uuid
from typing import TypedDict

import uvloop
from dialogue import chains, obey
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool


class Count(TypedDict):
    number: int


async def nothing(state: Count) -> Count:
    return {"number": state["number"] + 1}


def graph_of(steps: int, saver: AsyncPostgresSaver) -> CompiledStateGraph:
    graph = StateGraph(Count)
    names = [f"n{number}" for number in range(steps)]
    for name in names:
        graph.add_node(name, nothing)
    for before, after in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(before, after)
    return graph.compile(checkpointer=saver)


async def main(url: str) -> None:
    settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(url, min_size=20, max_size=20, kwargs=settings) as pool:
        saver = AsyncPostgresSaver(pool)
        await saver.setup()
        graphs: dict[int, CompiledStateGraph] = {}

        async def run(steps: int) -> None:
            if steps not in graphs:
                graphs[steps] = graph_of(steps, saver)
            # What a step gave is kept before the next one begins, as everywhere else here.
            told = await graphs[steps].ainvoke(
                {"number": 0},
                {"configurable": {"thread_id": str(uuid.uuid4())}, "recursion_limit": steps + 5},
                durability="sync",
            )
            if told["number"] != steps:
                raise SystemExit("a run lost its steps")

        await obey(chains(run))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
