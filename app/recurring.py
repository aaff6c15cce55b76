"""What the rooms do again and again."""

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
from app.core.idempotency import pruning
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.core.mail.delivery import mail_job
from app.core.purging import purging_job
from app.identity.accounts.jobs import accounts_job
from app.identity.connections.jobs import domains_job
from app.identity.invitations.jobs import invitations_job
from app.identity.sessions.key_rotation import signing_keys_job
from app.identity.sessions.sweeping import sessions_job
from app.inference.budgets.alerts import budget_alerts_job
from app.inference.budgets.jobs import budget_carries_job
from app.inference.customers.jobs import customers_job
from app.inference.embeddings.jobs import embedding_cache_job
from app.knowledge.dictionary.jobs import dictionaries_job
from app.knowledge.evaluations.models import Evaluation, QuestionSet
from app.knowledge.exchange.models import Peer
from app.knowledge.ingestion.jobs import documents_job
from app.knowledge.storage.files import Files
from app.oversight.audit.checkpoints import checkpoint_job
from app.oversight.audit.retention import retention_job
from app.tables import Base


def recurring_jobs(kernel: Kernel, files: Files) -> tuple[Job, ...]:
    """What the rooms do again and again, in one of the processes."""
    return (
        pruning(kernel.database),
        checkpoint_job(kernel.database, kernel.vault),
        retention_job(kernel.database, kernel.vault, kernel.settings.audit_retention_days),
        resealing(kernel.database, kernel.vault, Base.metadata),
        signing_keys_job(kernel),
        sessions_job(kernel),
        mail_job(kernel.database, kernel.vault, kernel.settings),
        accounts_job(kernel),
        invitations_job(kernel),
        domains_job(kernel),
        budget_alerts_job(kernel),
        budget_carries_job(kernel),
        customers_job(kernel),
        embedding_cache_job(kernel.database),
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
