"""What may be done with the domains of connections."""

import hmac
import secrets
from collections.abc import Sequence
from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.paging import Cursors, PageQuery, Slice
from app.core.versions import match
from app.identity.connections import crud, service
from app.identity.connections.domain_names import CHALLENGE_HOST, CHALLENGE_PREFIX
from app.identity.connections.errors import SsoDomainNotFound, SsoDomainUnproven
from app.identity.connections.giving import refuse_above_own
from app.identity.connections.models import SsoDomain
from app.identity.connections.schemas import SsoDomainCreate


async def page(
    session: AsyncSession, access: Access, query: PageQuery, cursors: Cursors
) -> Slice[SsoDomain]:
    return await crud.page_domains(session, access.workspace_id, query, cursors)


async def get(
    session: AsyncSession, access: Access, domain_id: UUID, *, for_update: bool = False
) -> SsoDomain:
    """A domain of the caller's workspace; raises SsoDomainNotFound."""
    found = await crud.get_domain(session, access.workspace_id, domain_id, for_update=for_update)
    if found is None:
        raise SsoDomainNotFound
    return found


async def create(session: AsyncSession, access: Access, new: SsoDomainCreate) -> SsoDomain:
    """A domain to be proven.

    Raises SsoConnectionNotFound, RoleAboveOwn, and SsoDomainTaken where it is here already.
    """
    connection = await service.get(session, access, new.connection_id)
    await refuse_above_own(session, access, connection)
    made = await crud.keep_domain(
        session,
        SsoDomain(
            workspace_id=access.workspace_id,
            connection_id=connection.id,
            domain=new.domain,
            challenge=secrets.token_hex(16),
            verified_at=None,
        ),
    )
    _note(session, "created", made)
    return made


async def verify(
    session: AsyncSession, access: Access, domain_id: UUID, records: list[str]
) -> SsoDomain:
    """Take a domain for the workspace's own if its TXT records show the challenge.

    Raises SsoDomainUnproven, and SsoDomainTaken where another workspace has proven it.
    """
    domain = await get(session, access, domain_id, for_update=True)
    await match(session, domain)
    if not is_proven(domain, records):
        raise SsoDomainUnproven(
            f"Add the TXT record `{record_name(domain)}` = `{record_value(domain)}`, wait until "
            "it can be seen, and try again."
        )
    if domain.verified_at is None:
        domain.verified_at, domain.failing_since = now(), None
        await crud.keep_domain(session, domain)
        _note(session, "verified", domain)
    return domain


async def delete(session: AsyncSession, access: Access, domain_id: UUID) -> None:
    """Final: the proof can be given again."""
    domain = await get(session, access, domain_id, for_update=True)
    await match(session, domain)
    await crud.delete_domain(session, domain)
    _note(session, "deleted", domain)


def is_proven(domain: SsoDomain, records: Sequence[str]) -> bool:
    """Whether TXT records show a domain's challenge."""
    expected = record_value(domain).encode()
    return any(hmac.compare_digest(text.strip().encode(), expected) for text in records)


def record_name(domain: SsoDomain) -> str:
    return f"{CHALLENGE_HOST}.{domain.domain}"


def record_value(domain: SsoDomain) -> str:
    return CHALLENGE_PREFIX + domain.challenge


def _note(session: AsyncSession, what: str, domain: SsoDomain) -> None:
    detail = {"domain": domain.domain}
    note(session, Note(f"sso_domain.{what}", "sso_domain", domain.id, detail=detail))
