"""Whom the connection of a domain obliges, and how they may still sign in."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

import idna

from app.core.db import AsyncSession
from app.identity.connections import crud
from app.identity.connections.errors import SsoRequired
from app.identity.connections.models import SsoConnection
from app.identity.workspaces.models import Membership
from app.identity.workspaces.roles import Role


class Rule(StrEnum):
    """How an account may sign in, beside its organisation's own way."""

    FREE = "free"
    SECOND_FACTOR = "second_factor"
    ORGANISATION_ONLY = "organisation_only"


async def rule_of(session: AsyncSession, user_id: UUID) -> Rule:
    """What a connection that is required asks of an account; the session is the system's.

    Owners keep a way in for the day their provider fails, with a second factor.
    """
    email = await crud.email_of(session, user_id)
    connection = await crud.find_by_domain(session, domain_of(email)) if email else None
    if connection is None or not connection.required:
        return Rule.FREE
    place = await crud.membership(session, connection.workspace_id, user_id)
    return Rule.FREE if place is None else _rule_for(place)


async def bound(session: AsyncSession, connection: SsoConnection) -> Sequence[tuple[UUID, Rule]]:
    """The members whom a connection obliges where it is required, and how."""
    domains = await crud.proven_domains(session, connection.id)
    found = await crud.members_with_email(session, connection.workspace_id)
    return [
        (place.user_id, _rule_for(place)) for place, email in found if domain_of(email) in domains
    ]


def _rule_for(place: Membership) -> Rule:
    return Rule.SECOND_FACTOR if place.role == Role.OWNER else Rule.ORGANISATION_ONLY


async def allow_own_way(session: AsyncSession, user_id: UUID, *, second_factor: bool) -> None:
    """Raise SsoRequired where an account must sign in through its organisation instead."""
    rule = await rule_of(session, user_id)
    if rule == Rule.FREE or (rule == Rule.SECOND_FACTOR and second_factor):
        return
    if rule == Rule.SECOND_FACTOR:
        raise SsoRequired("As an owner you can also sign in here with a second factor.")
    raise SsoRequired("Begin with your e-mail address.")


def domain_of(email: str) -> str:
    """The domain of a normalised address, in ASCII."""
    domain = email.rpartition("@")[2]
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain.lower()
