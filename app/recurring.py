"""What the rooms up to inference do again and again."""

from app.core.idempotency import pruning
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.core.mail.delivery import mail_job
from app.identity.accounts.jobs import accounts_job
from app.identity.connections.jobs import domains_job
from app.identity.invitations.jobs import invitations_job
from app.identity.sessions.key_rotation import signing_keys_job
from app.identity.sessions.sweeping import sessions_job
from app.inference.budgets.alerts import budget_alerts_job
from app.inference.budgets.jobs import budget_carries_job
from app.inference.customers.jobs import customers_job
from app.inference.embeddings.jobs import embedding_cache_job
from app.oversight.audit.checkpoints import checkpoint_job
from app.oversight.audit.retention import retention_job


def recurring_jobs(kernel: Kernel) -> tuple[Job, ...]:
    """In one of the processes."""
    return (
        pruning(kernel.database),
        checkpoint_job(kernel.database, kernel.vault),
        retention_job(kernel.database, kernel.vault, kernel.settings.audit_retention_days),
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
    )
