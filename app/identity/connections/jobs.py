"""Looks again at the records of proven domains: one that was given up must not bind anyone."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from app.core import resolver
from app.core.audit import Note, note
from app.core.clock import now
from app.core.db import SYSTEM
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.core.resolver import DnsUnavailable
from app.identity.connections import crud, domains

log = get_logger(__name__)

EVERY: Final = timedelta(hours=1)
CHECKED_EVERY: Final = timedelta(days=1)
MISSING_FOR: Final = timedelta(days=3)
AT_ONCE: Final = 500


def domains_job(kernel: Kernel) -> Job:
    """The job that looks at every proven domain once a day."""

    async def check() -> None:
        async with kernel.database.unit(SYSTEM) as session:
            due = await crud.domains_to_check(session, now() - CHECKED_EVERY, AT_ONCE)
        for domain in due:
            name = domains.record_name(domain)
            try:
                records = await resolver.texts(name, kernel.settings.dns_servers)
            except DnsUnavailable as error:
                # No answer says nothing of the record: it is asked for again in an hour.
                log.info("domain_unchecked", domain=domain.domain, reason=error.detail)
                continue
            await _settle(kernel, domain.id, records)

    return Job("sso domains", EVERY, check)


async def _settle(kernel: Kernel, domain_id: UUID, records: list[str]) -> None:
    """Note whether a record was there; a domain that misses it for three days is unproven."""
    moment = now()
    async with kernel.database.unit(SYSTEM) as session:
        domain = await crud.lock_domain(session, domain_id)
        if domain is None or domain.verified_at is None:
            return
        if domains.is_proven(domain, records):
            domain.failing_since, domain.checked_at = None, moment
        elif domain.failing_since is None or domain.failing_since > moment - MISSING_FOR:
            domain.failing_since, domain.checked_at = domain.failing_since or moment, moment
        else:
            domain.verified_at = domain.failing_since = None
            what = Note(
                "sso_domain.lapsed",
                "sso_domain",
                domain.id,
                workspace_id=domain.workspace_id,
                detail={"domain": domain.domain},
            )
            note(session, what)
