"""The automation room, opened: what a process keeps to run workflows."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app.agents.agents import Agents
from app.automation.engine.driving import Driver
from app.automation.engine.jobs import Waking
from app.automation.engine.plans import Plans
from app.automation.engine.starting import Starter
from app.automation.engine.work import Working
from app.automation.generation.helping import Helping
from app.automation.generation.surroundings import Workbench
from app.automation.language.jsonata import Jsonata
from app.automation.nodes.opening import builtin_nodes
from app.automation.nodes.plain import PLAIN
from app.automation.nodes.plugins import with_plugins
from app.automation.nodes.registry import NodeTypes
from app.automation.templates.making import WorkflowMaker
from app.automation.triggers.jobs import triggers_jobs
from app.automation.triggers.subscriber import TriggersSubscriber
from app.automation.workflows.checking import Bench
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.core.outbox import Subscriber
from app.inference.inference import Inference
from app.knowledge.knowledge import Knowledge
from app.knowledge.storage.files import Files
from app.runs.runs.bundle import Runs
from app.runs.runs.work import Work


@dataclass(frozen=True, slots=True)
class Automation:
    """`works` are what it carries out as runs; `subscribers` hear of what happens elsewhere.

    `driver` decides who carries a run out, and when.
    """

    driver: Driver
    nodes: NodeTypes
    starter: Starter
    working: Working
    waking: Waking
    works: tuple[Work, ...]
    jobs: tuple[Job, ...]
    subscribers: tuple[Subscriber, ...]
    helping: Helping

    @asynccontextmanager
    async def begin(self, runs: Runs) -> AsyncIterator[None]:
        """Runs are carried out within."""
        self.working.turns.runs = self.waking.runs = runs
        self.starter.working = self.working
        async with self.driver.driving(runs):
            yield


@asynccontextmanager
async def open_automation(
    kernel: Kernel,
    inference: Inference,
    knowledge: Knowledge,
    agents: Agents,
    files: Files,
    driver: Driver,
) -> AsyncIterator[Automation]:
    """Open what workflows need; what it holds is closed with it."""
    async with AsyncExitStack() as stack:
        plans = Plans()
        starter = Starter(kernel.database, driver, plans)
        jsonata = Jsonata()
        stack.push_async_callback(jsonata.close)
        builtin = builtin_nodes(kernel, inference, knowledge, agents, starter, files, jsonata)
        nodes = with_plugins((*PLAIN, *builtin), kernel.settings.node_plugins)
        agents.makers.workflows = WorkflowMaker(Bench(kernel.database, nodes))
        working = Working(kernel.database, kernel.valkey, nodes, inference.calls, plans)
        stack.push_async_callback(working.close)
        waking = Waking(kernel.database, working.turns, plans)
        workbench = Workbench(kernel.database, nodes, agents.tools, kernel.cursors)
        helping = Helping(workbench, inference.calls)
        yield Automation(
            driver,
            nodes,
            starter,
            working,
            waking,
            works=(working, *helping.works()),
            jobs=(*driver.jobs(), *waking.jobs(), *triggers_jobs(kernel, starter)),
            subscribers=(waking, TriggersSubscriber(kernel)),
            helping=helping,
        )
