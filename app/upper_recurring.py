"""What the rooms above inference do again and again, beside what they open."""

from app.agents.a2a.models import A2aAgent
from app.agents.definitions.models import Agent
from app.agents.evaluations.datasets.models import Dataset
from app.agents.evaluations.experiments.models import Experiment
from app.agents.evaluations.models import AgentEvaluation
from app.agents.mailbox.models import Mailbox, MailboxRule, MailboxSubscription
from app.agents.memory.models import Memory, MemoryBlock
from app.agents.templates.models import Template
from app.automation.triggers.models import WorkflowTrigger
from app.automation.workflows.models import Workflow
from app.chat.conversations.models import Conversation
from app.chat.messages.finding import finding_job
from app.core.crypto.resealing import resealing
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.core.purging import purging_job
from app.knowledge.dictionary.jobs import dictionaries_job
from app.knowledge.evaluations.models import Evaluation, QuestionSet
from app.knowledge.exchange.models import Peer
from app.knowledge.ingestion.jobs import documents_job
from app.knowledge.storage.files import Files
from app.tables import Base


def upper_jobs(kernel: Kernel, files: Files) -> tuple[Job, ...]:
    """In one of the processes."""
    return (
        resealing(kernel.database, kernel.vault, Base.metadata),
        finding_job(kernel),
        documents_job(kernel.database, files),
        dictionaries_job(kernel.database),
        purging_job(
            kernel.database,
            QuestionSet,
            Evaluation,
            Conversation,
            Peer,
            Agent,
            Mailbox,
            MailboxRule,
            MailboxSubscription,
            A2aAgent,
            Dataset,
            AgentEvaluation,
            Experiment,
            Memory,
            MemoryBlock,
            Template,
            Workflow,
            WorkflowTrigger,
        ),
    )
