"""Chains of tasks in a flow of Prefect's, with its server at `PREFECT_API_URL`."""

import uvloop
from dialogue import chains, obey
from prefect import flow, task


@task
async def nothing(number: int) -> int:
    return number


@flow
async def chain(steps: int) -> int:
    for number in range(steps):
        await nothing(number)
    return steps


async def run(steps: int) -> None:
    if await chain(steps) != steps:
        raise SystemExit("a run lost its steps")


if __name__ == "__main__":
    uvloop.run(obey(chains(run)))
