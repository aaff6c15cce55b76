"""Which account someone from another service is, and what becomes of their membership.

An account is found by the linked (issuer, subject) alone. By its e-mail address it is found only
where the workspace of the connection has proven the address's domain and manages the account.
"""

from dataclasses import dataclass
from uuid import UUID

from app.core.clock import now
from app.core.config import Settings
from app.core.db import AsyncSession
from app.identity.connections import crud as connections
from app.identity.connections import membership as places
from app.identity.connections import rules
from app.identity.connections.errors import SsoRequired
from app.identity.connections.models import SsoConnection
from app.identity.connections.rules import domain_of
from app.identity.sso import crud
from app.identity.sso.errors import (
    SsoAccountExists,
    SsoEmailForeign,
    SsoEmailUnverified,
    SsoNotAMember,
    SsoNotAvailable,
)
from app.identity.sso.flows import Arrival, Choice
from app.identity.sso.models import UserIdentity
from app.identity.sso.people import ExternalPerson
from app.identity.trail import note_of_person
from app.identity.users import crud as users
from app.identity.users.errors import AccountInactive, RegistrationClosed
from app.identity.users.models import User
from app.identity.users.schemas import normal_email
from app.identity.workspaces import service as workspaces
from app.identity.workspaces.errors import MembershipSuspended


@dataclass(frozen=True, slots=True)
class Matched:
    """The account of an arrival. `trusted_factor`: its own organisation asked for two factors."""

    user_id: UUID
    trusted_factor: bool


async def match_account(session: AsyncSession, settings: Settings, arrival: Arrival) -> Matched:
    """The account that an arrival signs in to, made where it may be; the session is the system's.

    Raises what stands in the way: AccountInactive, MembershipSuspended, RegistrationClosed,
    SsoAccountExists, SsoEmailForeign, SsoEmailUnverified, SsoNotAMember, SsoRequired.
    """
    choice, person = arrival.choice, arrival.person
    connection = await _connection_of(session, choice)
    identity = await crud.find(session, choice.realm, person.issuer, person.subject)
    if identity is not None:
        user = await users.get(session, identity.user_id)
        await crud.mark_used(session, identity, now())
    elif connection is not None:
        user = await _through_connection(session, connection, choice, person)
    else:
        user = await _through_provider(session, settings, choice, person)
    if user is None or user.status != "active":
        raise AccountInactive
    if connection is None:
        await _leave_to_organisation(session, user)
        return Matched(user.id, trusted_factor=False)
    await _take_place(session, connection, user, person)
    manager = await connections.manager_of(session, user.id)
    trusted = person.second_factor and manager == connection.workspace_id
    return Matched(user.id, trusted_factor=trusted)


async def link(
    session: AsyncSession, user_id: UUID, choice: Choice, person: ExternalPerson
) -> UserIdentity:
    """Let a person elsewhere open this account; raises IdentityTaken."""
    identity = await crud.add(
        session,
        UserIdentity(
            user_id=user_id,
            connection_id=choice.connection_id,
            provider=choice.provider,
            realm=choice.realm,
            issuer=person.issuer,
            subject=person.subject,
            email=person.email,
            last_used_at=None,
        ),
    )
    await note_of_person(
        session,
        user_id,
        "identity.linked",
        "user_identity",
        identity.id,
        provider=choice.provider,
        issuer=person.issuer,
    )
    return identity


async def _connection_of(session: AsyncSession, choice: Choice) -> SsoConnection | None:
    if choice.connection_id is None:
        return None
    connection = await connections.find_living(session, choice.connection_id)
    if connection is None:
        raise SsoNotAvailable
    return connection


async def _through_connection(
    session: AsyncSession, connection: SsoConnection, choice: Choice, person: ExternalPerson
) -> User:
    """The managed account of a first arrival through an organisation's provider."""
    email = _address(person)
    if email is None or person.email_verified is False:
        raise SsoEmailUnverified("An address that it vouches for is needed.")
    proven = await connections.proven_domains(session, connection.id)
    if domain_of(email) not in proven:
        raise SsoEmailForeign("Sign in another way, and link this account from there.")
    user = await users.find(session, email)
    if user is None:
        if not connection.create_members:
            raise SsoNotAMember("Ask an administrator of the workspace to add you.")
        user = await _register(session, email, person)
        await connections.manage(session, connection.workspace_id, user.id)
    elif await connections.manager_of(session, user.id) != connection.workspace_id:
        raise SsoAccountExists("Sign in to it another way, and link this account from there.")
    await link(session, user.id, choice, person)
    return user


async def _through_provider(
    session: AsyncSession, settings: Settings, choice: Choice, person: ExternalPerson
) -> User:
    """A new account for a first arrival through a provider of the installation."""
    email = _address(person)
    if email is None or person.email_verified is not True:
        raise SsoEmailUnverified("Verify it there first, or register here with a password.")
    if await users.find(session, email) is not None:
        raise SsoAccountExists("Sign in to it another way, and link this account from there.")
    if settings.registration == "closed":
        raise RegistrationClosed("Ask an administrator of this installation for an account.")
    connection = await connections.find_by_domain(session, domain_of(email))
    if connection is not None and connection.required:
        raise SsoRequired("Begin with your e-mail address.")
    user = await _register(session, email, person)
    await link(session, user.id, choice, person)
    return user


async def _register(session: AsyncSession, email: str, person: ExternalPerson) -> User:
    """An account without a password, whose address another service has verified."""
    user = await users.add(
        session,
        User(email=email, name=person.name, password_hash=None, email_verified_at=now()),
    )
    await workspaces.create_personal(session, user.id)
    return user


async def _leave_to_organisation(session: AsyncSession, user: User) -> None:
    if await rules.rule_of(session, user.id) != rules.Rule.FREE:
        raise SsoRequired("Begin with your e-mail address.")


async def _take_place(
    session: AsyncSession, connection: SsoConnection, user: User, person: ExternalPerson
) -> None:
    """Make the person a member where they are none, and give the role of their groups."""
    place = await connections.membership(session, connection.workspace_id, user.id, for_update=True)
    if place is None:
        if not connection.create_members:
            raise SsoNotAMember("Ask an administrator of the workspace to add you.")
        place = await places.join(session, connection, user.id)
    if place.suspended_at is not None:
        raise MembershipSuspended("Ask an administrator of the workspace.")
    if person.groups is not None and connection.group_roles:
        places.give_role(session, place, places.role_for(connection, person.groups))
        await session.flush()


def _address(person: ExternalPerson) -> str | None:
    """The address of a person as accounts store it; None for none that can be used."""
    if person.email is None or len(person.email) > 254:
        return None
    try:
        return normal_email(person.email)
    except ValueError:
        return None
