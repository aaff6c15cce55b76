"""Chains of activities on a Temporal server, worker inside: `python on_temporal.py <host:port>`."""

import sys
import uuid
from datetime import timedelta

import uvloop
from dialogue import chains, obey
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE = "bench"


@activity.defn
async def nothing(number: int) -> int:
    return number


@workflow.defn
class Chain:
    @workflow.run
    async def run(self, steps: int) -> int:
        for number in range(steps):
            await workflow.execute_activity(
                nothing, number, start_to_close_timeout=timedelta(seconds=60)
            )
        return steps


async def main(address: str) -> None:
    client = await Client.connect(address)

    async def run(steps: int) -> None:
        told = await client.execute_workflow(
            Chain.run, steps, id=str(uuid.uuid4()), task_queue=QUEUE
        )
        if told != steps:
            raise SystemExit("a run lost its steps")

    async with Worker(client, task_queue=QUEUE, workflows=[Chain], activities=[nothing]):
        await obey(chains(run))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
