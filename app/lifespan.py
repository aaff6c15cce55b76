"""What is open for as long as the service runs, built out of the rooms."""

import ctypes
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)

from fastapi import FastAPI

from app.agents.agents import open_agents
from app.agents.definitions.models import AGENT_KIND
from app.agents.definitions.source import AgentSource
from app.agents.memory.source import MemorySource
from app.agents.templates.personal import TemplateStore
from app.agents.templates.source import TemplateSource
from app.automation.automation import open_automation
from app.automation.workflows.models import WORKFLOW_KIND
from app.automation.workflows.source import WorkflowSource
from app.chat.messages.finding import MessageSource
from app.chat.messages.past import PastTurns
from app.chat.turns.answering import Answering
from app.chat.turns.titles import Titling
from app.core.config import Settings
from app.core.jobs import Jobs
from app.core.kernel import Kernel, open_kernel
from app.core.outbox import Dispatcher
from app.identity.access import IdentityResolver
from app.identity.first_start import first_workspace
from app.identity.personal import IdentityPeople, ServiceAccountStore
from app.identity.sso.ways import Ways
from app.identity.versioned.personal import PrivateStore
from app.identity.workspaces.jobs import workspaces_job
from app.inference.batches.batching import Batching
from app.inference.batches.parts import Outside
from app.inference.cache.personal import CacheStore
from app.inference.compare.comparing import Comparing
from app.inference.fine_tuning.training import Training
from app.inference.inference import Inference, open_inference
from app.inference.integrations.discovery import sync_environment
from app.inference.integrations.recipients import recipients
from app.inference.providers.transport import Transport
from app.inference.relay.app import RelayApp
from app.knowledge.collections.personal import DocumentStore
from app.knowledge.collections.source import DocumentSource
from app.knowledge.detection.suggestions.work import Scanning
from app.knowledge.dictionary.source import EntrySource
from app.knowledge.evaluations.evaluating import Evaluating
from app.knowledge.exchange.importing import Importing
from app.knowledge.graph.extraction.jobs import graph_job
from app.knowledge.graph.extraction.work import Extraction
from app.knowledge.graph.purging import purge_job
from app.knowledge.graph.walks.picture import Drawing
from app.knowledge.ingestion.bundle import open_ingestion
from app.knowledge.knowledge import Knowledge, open_knowledge
from app.knowledge.storage.files import Files
from app.knowledge.storage.open import open_files
from app.knowledge.storage.personal import WorkspaceFiles
from app.oversight.audit.writing import keep_trail
from app.oversight.privacy.files import FileStore
from app.oversight.privacy.postgres import PostgresStore
from app.oversight.privacy.privacy import Privacy
from app.oversight.privacy.qdrant import QdrantStore
from app.oversight.privacy.routes import privacy_jobs
from app.oversight.privacy.stores import PersonalStore
from app.oversight.privacy.trail import TrailStore
from app.oversight.privacy.valkey import ValkeyStore
from app.recurring import recurring_jobs
from app.runs.personal import RunLogStore
from app.runs.runs.bundle import open_runs
from app.runs.runs.lease import open_lease
from app.runs.runs.work import Work

# What searches find, by who tells of it.
SOURCES = (
    MessageSource(), EntrySource(), DocumentSource(), AgentSource(), MemorySource(),
    TemplateSource(), WorkflowSource(),
)  # fmt: skip


def lifespan_of(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            kernel = await stack.enter_async_context(open_kernel(settings))
            keep_trail(kernel.database)
            app.state.files = files = open_files(settings)
            resolver = await stack.enter_async_context(IdentityResolver(kernel))
            kernel.resolver, app.state.signing_keys = resolver, resolver.signing_keys
            # Closed last: what a process holds is written before another one may take it up.
            lease = await stack.enter_async_context(open_lease(kernel))
            inference = await stack.enter_async_context(open_inference(kernel, lease))
            comparing = Comparing(kernel.database, inference.calls)
            outside = Outside(inference.transport, inference.directory, inference.prices)
            app.state.training = training = Training(kernel.database, inference.calls, outside)
            app.state.kernel, app.state.inference, app.state.drawing = kernel, inference, Drawing()
            app.state.knowledge = knowledge = await open_knowledge(kernel, inference, SOURCES)
            app.state.agents = agents = await stack.enter_async_context(
                open_agents(kernel, inference, knowledge, files)
            )
            app.state.automation = automation = await stack.enter_async_context(
                open_automation(kernel, inference, knowledge, agents, files)
            )
            answering = Answering(kernel.database, inference.calls, settings, knowledge.grounder)
            intake = open_ingestion(kernel, knowledge.indexer, inference.embedders, files)
            works: tuple[Work, ...] = (
                answering,
                Titling(kernel.database, inference.calls),
                comparing,
                Batching(kernel.database, inference.calls, outside, settings.batch_concurrency),
                training,
                *_works(kernel, inference, knowledge),
                *agents.works,
                *automation.works,
                *await stack.enter_async_context(intake),
            )
            app.state.relay, app.state.ways = RelayApp(kernel, inference), Ways(kernel)
            app.state.answering, app.state.comparing = answering, comparing
            app.state.runs = opened = await stack.enter_async_context(
                open_runs(kernel, works, lease, automation.driver.elsewhere)
            )
            agents.begin(opened, PastTurns())
            await stack.enter_async_context(automation.begin(opened))
            app.state.privacy = privacy = _privacy(kernel, files)
            jobs = (
                *recurring_jobs(kernel, files),
                knowledge.indexer.job(),
                graph_job(kernel.database, opened.executor),
                purge_job(kernel.database),
                *agents.jobs,
                *automation.jobs,
                *Dispatcher(kernel.database, automation.subscribers).jobs(),
                workspaces_job(kernel, privacy),
                *privacy_jobs(kernel, privacy),
            )
            kernel.nudge = (await stack.enter_async_context(Jobs(kernel.valkey, jobs))).nudge
            await _begin_well(kernel, inference.transport)
            yield

    return lifespan


def _works(kernel: Kernel, inference: Inference, knowledge: Knowledge) -> tuple[Work, ...]:
    """What the knowledge room carries out as runs."""
    return (
        Extraction(kernel.database, inference.calls, knowledge.detector),
        Evaluating(kernel.database, knowledge.searching),
        Importing(kernel),
        Scanning(kernel, knowledge.detector.embedder),
    )


def _privacy(kernel: Kernel, stored: Files) -> Privacy:
    """Where personal data is kept, in the order of its erasure: what Postgres tells of first.

    Postgres is last: its rows say what is still to be erased where one was cut off.
    """
    stores: list[PersonalStore] = [
        RunLogStore(kernel),
        CacheStore(kernel.valkey),
        ValkeyStore(kernel.valkey),
        *([QdrantStore(kernel.vectors)] if kernel.vectors else []),
        WorkspaceFiles(stored),
        DocumentStore(kernel.database, stored),
        PrivateStore(kernel.database, AGENT_KIND),
        PrivateStore(kernel.database, WORKFLOW_KIND),
        TemplateStore(kernel.database),
        FileStore(kernel.settings.data_dir),
        TrailStore(kernel.database),
        ServiceAccountStore(kernel.database),
        PostgresStore(kernel.database),
    ]
    return Privacy(IdentityPeople(), tuple(stores), recipients)


def _spare_the_collector() -> None:
    """Leave what is loaded now out of every later collection: it took a sixth of a turn's CPU.

    The first start of a process leaves no garbage worth a third of a second; one that another
    service ran in before, as in tests, holds all that this one was.
    """
    if gc.get_freeze_count():
        gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    # What the start alone needed goes back to the system; only glibc has the call.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


async def _begin_well(kernel: Kernel, transport: Transport) -> None:
    """What is left to do once everything is open."""
    await _take_up_environment(kernel, transport)
    _spare_the_collector()


async def _take_up_environment(kernel: Kernel, transport: Transport) -> None:
    workspace_id = await first_workspace(kernel)
    if workspace_id is not None:
        await sync_environment(kernel, workspace_id, transport)
