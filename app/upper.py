"""The rooms above inference, opened: knowledge, agents, chat, automation, and privacy over all.

Whoever imports this loads every table of the service.
"""

import gc
from contextlib import AsyncExitStack
from dataclasses import dataclass

from starlette.datastructures import State

from app.agents.agents import Agents, open_agents
from app.agents.definitions.models import AGENT_KIND
from app.agents.definitions.source import AgentSource
from app.agents.memory.source import MemorySource
from app.agents.templates.personal import TemplateStore
from app.agents.templates.source import TemplateSource
from app.automation.automation import Automation, open_automation
from app.automation.workflows.models import WORKFLOW_KIND
from app.automation.workflows.source import WorkflowSource
from app.chat.messages.finding import MessageSource
from app.chat.messages.past import PastTurns
from app.chat.turns.answering import Answering
from app.chat.turns.titles import Titling
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.first_use import Lower
from app.identity.personal import IdentityPeople, ServiceAccountStore
from app.identity.versioned.personal import PrivateStore
from app.identity.workspaces.jobs import workspaces_job
from app.inference.cache.personal import CacheStore
from app.inference.inference import Inference
from app.inference.integrations.recipients import recipients
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
from app.knowledge.storage.personal import WorkspaceFiles
from app.oversight.privacy.files import FileStore
from app.oversight.privacy.jobs import privacy_jobs
from app.oversight.privacy.postgres import PostgresStore
from app.oversight.privacy.privacy import Privacy
from app.oversight.privacy.qdrant import QdrantStore
from app.oversight.privacy.stores import PersonalStore
from app.oversight.privacy.trail import TrailStore
from app.oversight.privacy.valkey import ValkeyStore
from app.runs.personal import RunLogStore
from app.runs.runs.work import Work
from app.upper_recurring import upper_jobs

# What searches find, by who tells of it.
SOURCES = (
    MessageSource(), EntrySource(), DocumentSource(), AgentSource(), MemorySource(),
    TemplateSource(), WorkflowSource(),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Upper:
    """What the routes of these rooms need; `works` are what they carry out as runs."""

    knowledge: Knowledge
    agents: Agents
    automation: Automation
    answering: Answering
    drawing: Drawing
    privacy: Privacy
    works: tuple[Work, ...]


async def open_upper(lower: Lower) -> None:
    """Open them and begin their work; where one cannot be opened, none stays open."""
    async with AsyncExitStack() as beneath, AsyncExitStack() as above:
        upper = await _open(lower, beneath)
        upper.agents.begin(lower.runs, PastTurns())
        await above.enter_async_context(upper.automation.begin(lower.runs))
        lower.beneath.push_async_exit(beneath.pop_all())
        lower.above.push_async_exit(above.pop_all())
    _publish(lower.state, upper)
    lower.runs.executor.take_on(upper.works)
    lower.jobs.take_on(_jobs(lower, upper))
    if gc.get_freeze_count():
        # As after the start: what is loaded by now is left out of every later collection.
        gc.freeze()


def _publish(state: State, upper: Upper) -> None:
    state.knowledge, state.drawing = upper.knowledge, upper.drawing
    state.agents, state.automation = upper.agents, upper.automation
    state.answering, state.privacy = upper.answering, upper.privacy


async def _open(lower: Lower, stack: AsyncExitStack) -> Upper:
    kernel, inference, files = lower.kernel, lower.inference, lower.files
    knowledge = await open_knowledge(kernel, inference, SOURCES)
    agents = await stack.enter_async_context(open_agents(kernel, inference, knowledge, files))
    automation = await stack.enter_async_context(
        open_automation(kernel, inference, knowledge, agents, files, lower.driver)
    )
    answering = Answering(kernel.database, inference.calls, kernel.settings, knowledge.grounder)
    intake = open_ingestion(kernel, knowledge.indexer, inference.embedders, files)
    works: tuple[Work, ...] = (
        answering,
        Titling(kernel.database, inference.calls),
        *_works(kernel, inference, knowledge),
        *agents.works,
        *automation.works,
        *await stack.enter_async_context(intake),
    )
    privacy = _privacy(kernel, files)
    return Upper(knowledge, agents, automation, answering, Drawing(), privacy, works)


def _works(kernel: Kernel, inference: Inference, knowledge: Knowledge) -> tuple[Work, ...]:
    """What the knowledge room carries out as runs."""
    return (
        Extraction(kernel.database, inference.calls, knowledge.detector),
        Evaluating(kernel.database, knowledge.searching),
        Importing(kernel),
        Scanning(kernel, knowledge.detector.embedder),
    )


def _jobs(lower: Lower, upper: Upper) -> tuple[Job, ...]:
    kernel = lower.kernel
    return (
        *upper_jobs(kernel, lower.files),
        upper.knowledge.indexer.job(),
        graph_job(kernel.database, lower.runs.executor),
        purge_job(kernel.database),
        *upper.agents.jobs,
        *upper.automation.jobs,
        workspaces_job(kernel, upper.privacy),
        *privacy_jobs(kernel, upper.privacy),
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
