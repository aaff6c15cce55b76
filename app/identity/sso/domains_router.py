"""/v1/sso-domains: the domains that a workspace owns, proven in the domain name system."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from app.core import resolver
from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rate_limits import sensitive
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.core.resolver import DnsUnavailable
from app.identity.connections import domains
from app.identity.connections.errors import (
    SsoConnectionNotFound,
    SsoDomainNotFound,
    SsoDomainTaken,
    SsoDomainUnproven,
)
from app.identity.connections.models import SsoDomain
from app.identity.connections.schemas import SsoDomainCreate, SsoDomainRead
from app.identity.roles.errors import RoleAboveOwn
from app.identity.sessions.guard import require_recent

Reader = Annotated[Access, require(Permission.SSO_READ)]
Writer = Annotated[Access, require_recent(Permission.SSO_WRITE)]

router = guarded_router(prefix="/v1/sso-domains", tag="sso_domains")


@router.get(
    "",
    operation_id="sso_domains_list",
    summary="List the workspace's domains",
    response_model=Page[SsoDomainRead],
    responses=problems(CursorInvalid),
)
async def list_domains(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[PageQuery, Query()]
) -> object:
    rows = await domains.page(session, access, query, kernel.cursors)
    return rows.map(_read)


@router.post(
    "",
    operation_id="sso_domains_create",
    summary="Add a domain to a connection",
    description="Publish the TXT record that the answer names, then verify the domain.",
    status_code=201,
    responses=problems(SsoConnectionNotFound, SsoDomainTaken, RoleAboveOwn),
)
async def create_domain(
    access: Writer, session: Session, body: SsoDomainCreate, response: Response
) -> SsoDomainRead:
    made = await domains.create(session, access, body)
    response.headers["Location"] = f"/v1/sso-domains/{made.id}"
    return _read(made)


@router.get(
    "/{sso_domain_id}",
    operation_id="sso_domains_get",
    summary="Show a domain",
    responses=problems(SsoDomainNotFound),
)
async def get_domain(access: Reader, session: Session, sso_domain_id: UUID) -> SsoDomainRead:
    return _read(await domains.get(session, access, sso_domain_id))


async def looked_up(access: Writer, kernel: KernelDep, sso_domain_id: UUID) -> list[str]:
    """The TXT records of a domain's challenge, asked before a connection is taken."""
    async with kernel.database.unit(access.scope) as session:
        domain = await domains.get(session, access, sso_domain_id)
    return await resolver.texts(domains.record_name(domain), kernel.settings.dns_servers)


@router.post(
    "/{sso_domain_id}/verify",
    operation_id="sso_domains_verify",
    dependencies=[sensitive],
    summary="Prove a domain by its TXT record",
    description=(
        "From then on its people sign in through the connection, and accounts that the "
        "connection makes for them are managed by the workspace."
    ),
    responses=problems(SsoDomainNotFound, SsoDomainUnproven, SsoDomainTaken, DnsUnavailable),
)
async def verify_domain(
    access: Writer,
    records: Annotated[list[str], Depends(looked_up)],
    session: Session,
    sso_domain_id: UUID,
) -> SsoDomainRead:
    return _read(await domains.verify(session, access, sso_domain_id, records))


@router.delete(
    "/{sso_domain_id}",
    operation_id="sso_domains_delete",
    summary="Give up a domain",
    description="Final: add it and prove it again to have it back.",
    status_code=204,
    responses=problems(SsoDomainNotFound),
)
async def delete_domain(access: Writer, session: Session, sso_domain_id: UUID) -> None:
    await domains.delete(session, access, sso_domain_id)


def _read(row: SsoDomain) -> SsoDomainRead:
    shown = {name: getattr(row, name) for name in SsoDomainRead.model_fields if hasattr(row, name)}
    return SsoDomainRead(
        **shown, record_name=domains.record_name(row), record_value=domains.record_value(row)
    )
