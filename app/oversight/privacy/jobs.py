"""What this domain does again and again."""

from app.core.jobs import Job
from app.core.kernel import Kernel
from app.oversight.privacy.erasures.jobs import erasures_job
from app.oversight.privacy.exports.jobs import exports_job
from app.oversight.privacy.privacy import Privacy
from app.oversight.privacy.retention.jobs import retention_job


def privacy_jobs(kernel: Kernel, privacy: Privacy) -> tuple[Job, ...]:
    return (
        exports_job(kernel, privacy),
        erasures_job(kernel, privacy),
        retention_job(kernel, privacy),
    )
