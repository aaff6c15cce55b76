"""The agents' room, opened: what a process keeps to run agents."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from app.agents.a2a.endpoint import A2aEndpoint
from app.agents.a2a.source import A2aSource
from app.agents.context.composing import Composer
from app.agents.credentials.finding import Credentials
from app.agents.custom_tools.source import CustomSource
from app.agents.databases.connecting import Connector
from app.agents.databases.reading import Reading
from app.agents.databases.writing import Writing
from app.agents.definitions.desk import Desk
from app.agents.evaluations.bundle import Evaluations
from app.agents.evaluations.experiments.work import Experimenting
from app.agents.evaluations.past import PastAgentRuns
from app.agents.evaluations.ports import PastSource
from app.agents.evaluations.prompting import TemplatePrompts
from app.agents.evaluations.running import AgentRuns
from app.agents.mailbox.agents_crud import SeenAgents
from app.agents.mailbox.dispatching import Dispatcher
from app.agents.mailbox.jobs import mailboxes_job
from app.agents.mailbox.launching import RuntimeLauncher
from app.agents.mailbox.room import Mailroom
from app.agents.mailbox.tools import mailbox_tools
from app.agents.mailbox.waking import Bell
from app.agents.mcp_endpoint.endpoint import McpEndpoint
from app.agents.mcp_endpoint.opening import open_endpoint
from app.agents.mcp_servers.pool import Links
from app.agents.mcp_servers.source import McpSource
from app.agents.memory.jobs import memories_job
from app.agents.memory.recalling import Recalling
from app.agents.memory.tools import memory_tools
from app.agents.memory.work import Remembering
from app.agents.runtime.context import ContextBuilder
from app.agents.runtime.jobs import approvals_job
from app.agents.runtime.launching import Launcher
from app.agents.runtime.work import Performing
from app.agents.templates.generation.work import Generating
from app.agents.templates.maker import Makers
from app.agents.tools.builtin import BuiltinSource
from app.agents.tools.local.opening import local_tools
from app.agents.tools.registry import ToolRegistry
from app.agents.tools.web.opening import open_web
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.inference.inference import Inference
from app.knowledge.knowledge import Knowledge
from app.knowledge.storage.files import Files
from app.runs.runs.bundle import Runs
from app.runs.runs.work import Work


@dataclass(frozen=True, slots=True)
class Agents:
    """`works` are what it carries out as runs, `jobs` what it does again and again."""

    tools: ToolRegistry
    credentials: Credentials
    databases: Reading
    writable_databases: Writing
    custom_tools: CustomSource
    mcp: McpSource
    mailroom: Mailroom
    definitions: Desk
    launcher: Launcher
    endpoint: McpEndpoint
    a2a: A2aEndpoint
    remote: A2aSource
    evaluations: Evaluations
    recalling: Recalling
    composer: Composer
    makers: Makers
    works: tuple[Work, ...] = ()
    jobs: tuple[Job, ...] = ()

    def begin(self, runs: Runs, *past: PastSource) -> None:
        """Runs are carried out from now on; `past` are those of other rooms, for datasets."""
        self.launcher.runs = runs
        self.evaluations.past.extend(past)


@asynccontextmanager
async def open_agents(
    kernel: Kernel, inference: Inference, knowledge: Knowledge, files: Files
) -> AsyncIterator[Agents]:
    """Open what agents need; what it holds is closed with it."""
    async with AsyncExitStack() as stack:
        toolshed = await _toolshed(stack, kernel, knowledge, files)
        tools = toolshed.registry
        desk = _desk(kernel, inference, tools)
        launcher = Launcher(kernel.database, desk)
        composer = Composer(kernel.database, knowledge.grounder, toolshed.recalling)
        performing = _performing(kernel, inference, tools, composer, launcher)
        evaluations = _evaluations(kernel, inference, launcher)
        dispatcher = Dispatcher(toolshed.mailroom, RuntimeLauncher(launcher))
        stack.push_async_callback(dispatcher.close)
        endpoint = open_endpoint(kernel, knowledge, tools, launcher)
        stack.push_async_callback(endpoint.close)
        yield Agents(
            tools,
            toolshed.credentials,
            toolshed.databases,
            toolshed.writable_databases,
            toolshed.custom,
            toolshed.mcp,
            toolshed.mailroom,
            desk,
            launcher,
            endpoint,
            A2aEndpoint(kernel, launcher),
            toolshed.remote,
            evaluations,
            toolshed.recalling,
            composer,
            Makers(),
            works=_works(kernel, inference, performing, evaluations),
            jobs=_jobs(kernel, launcher, dispatcher),
        )


@dataclass(frozen=True, slots=True)
class _Toolshed:
    """All tools, and what gives them."""

    registry: ToolRegistry
    credentials: Credentials
    databases: Reading
    writable_databases: Writing
    custom: CustomSource
    mcp: McpSource
    remote: A2aSource
    mailroom: Mailroom
    recalling: Recalling


async def _toolshed(
    stack: AsyncExitStack, kernel: Kernel, knowledge: Knowledge, files: Files
) -> _Toolshed:
    settings = kernel.settings
    credentials = Credentials(kernel.database, kernel.vault)
    links = Links(kernel.outbound)
    stack.push_async_callback(links.close)
    mcp = McpSource(kernel.database, credentials, links, settings.mcp_stdio_commands)
    mailroom = Mailroom(kernel, SeenAgents(), await stack.enter_async_context(Bell(kernel)))
    web = await stack.enter_async_context(open_web(settings, credentials))
    custom = CustomSource(kernel.database, web.client, credentials)
    recalling = Recalling(kernel.database, knowledge.searching)
    connector = Connector(settings.outbound_allow)
    databases = Reading(kernel.vault, connector)
    local = local_tools(kernel, knowledge, files, databases)
    builtin = (*web.tools, *local, *memory_tools(kernel, recalling), *mailbox_tools(mailroom))
    remote = A2aSource(kernel.database, credentials, kernel.outbound)
    registry = ToolRegistry((BuiltinSource(builtin), custom, mcp, remote))
    return _Toolshed(
        registry,
        credentials,
        databases,
        Writing(kernel.vault, connector),
        custom,
        mcp,
        remote,
        mailroom,
        recalling,
    )


def _desk(kernel: Kernel, inference: Inference, tools: ToolRegistry) -> Desk:
    def nudge(job: str) -> None:
        # The kernel gets the jobs to nudge once they are run.
        kernel.nudge(job)

    return Desk(kernel.database, tools, inference, nudge, kernel.settings.public_url)


def _performing(
    kernel: Kernel,
    inference: Inference,
    tools: ToolRegistry,
    composer: Composer,
    launcher: Launcher,
) -> Performing:
    context = ContextBuilder(composer)
    launcher.performing = Performing(
        kernel.database, inference.calls, tools, context, launcher.cast
    )
    return launcher.performing


def _evaluations(kernel: Kernel, inference: Inference, launcher: Launcher) -> Evaluations:
    return Evaluations(
        kernel.database,
        inference.calls,
        inference.embedders,
        past=[PastAgentRuns()],
        runner=AgentRuns(kernel.database, launcher),
        prompts=TemplatePrompts(kernel.database),
    )


def _works(
    kernel: Kernel, inference: Inference, performing: Performing, evaluations: Evaluations
) -> tuple[Work, ...]:
    return (
        performing,
        Remembering(kernel.database, inference.calls, inference.own),
        Experimenting(evaluations),
        Generating(kernel.database, inference.calls),
    )


def _jobs(kernel: Kernel, launcher: Launcher, dispatcher: Dispatcher) -> tuple[Job, ...]:
    return (
        approvals_job(kernel.database, launcher),
        mailboxes_job(kernel.database),
        dispatcher.job(),
        memories_job(kernel.database),
    )


def agents_of(request: Request) -> Agents:
    agents: Agents = request.app.state.agents
    return agents


AgentsDep = Annotated[Agents, Depends(agents_of)]
