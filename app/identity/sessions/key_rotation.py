"""The key that signs access tokens is replaced by age."""

from datetime import timedelta

from app.core.jobs import Job
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.identity.sessions.keys import SigningKeys

log = get_logger(__name__)


def signing_keys_job(kernel: Kernel) -> Job:
    """The job that has another key sign once the present one has served its time."""
    most = timedelta(days=kernel.settings.signing_key_days)

    async def run() -> None:
        if await SigningKeys(kernel.database, kernel.vault).rotate(older_than=most):
            log.info("signing_key_rotated")

    return Job("signing_keys", timedelta(hours=12), run)
