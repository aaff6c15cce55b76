"""Chains of steps on DBOS Transact: `python on_dbos.py <database url>`."""

import sys

import uvloop
from dbos import DBOS
from dialogue import chains, obey


@DBOS.step()
async def nothing(number: int) -> int:
    return number


@DBOS.workflow()
async def chain(steps: int) -> int:
    for number in range(steps):
        await nothing(number)
    return steps


async def run(steps: int) -> None:
    handle = await DBOS.start_workflow_async(chain, steps)
    if await handle.get_result() != steps:
        raise SystemExit("a run lost its steps")


async def main(url: str) -> None:
    config = {
        "name": "bench",
        "system_database_url": url,
        "application_version": "bench",
        "log_level": "ERROR",
        "max_executor_threads": 16,
        "sys_db_pool_size": 20,
    }
    DBOS(config=config)
    DBOS.launch()
    await obey(chains(run))
    DBOS.destroy()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
