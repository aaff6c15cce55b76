"""Signing in by others: out to a provider, back, and into an account."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit
from uuid import UUID

from app.core.auth import Access
from app.core.config import Settings
from app.core.db import AsyncSession
from app.core.errors import AppError
from app.core.kernel import Kernel
from app.core.paging import Cursors, PageQuery, Slice
from app.identity.sessions.opening import (
    SSO,
    Device,
    Renewal,
    SecondFactorNeeded,
    admit,
    open_session,
)
from app.identity.sso import crud, flows, joining
from app.identity.sso.errors import IdentityLastWayIn, IdentityNotFound, RedirectRefused
from app.identity.sso.flows import Arrival, Begun, Choice, Flow, Flows
from app.identity.sso.models import UserIdentity
from app.identity.sso.people import Returned
from app.identity.sso.redirects import redirect_uri
from app.identity.sso.schemas import SsoComplete, SsoStart
from app.identity.sso.ways import CONNECTION, Ways
from app.identity.trail import note_of_person
from app.identity.users import crud as users

_PRINTABLE = re.compile(r"[\x21-\x5b\x5d-\x7e]+")  # browsers read a backslash as a slash


@dataclass(frozen=True, slots=True)
class Started:
    """A sign-in that has begun, where to send the browser, and how it will come back."""

    begun: Begun
    authorization_url: str
    posted_back: bool


async def start(kernel: Kernel, ways: Ways, asked: SsoStart, base_url: str) -> Started:
    """A sign-in that has begun, and where to send the browser.

    Raises RedirectRefused, SsoNotAvailable, SamlNotInstalled and SsoProviderFailed.
    """
    check_redirect(kernel.settings, asked.redirect_to)
    choice = await _choice_of(ways, asked)
    way = await ways.find(choice, base_url)
    begun = flows.begin(choice, asked.redirect_to, redirect_uri(way.protocol, base_url))
    url = await way.authorization_url(begun.flow.ask)
    await Flows(kernel.valkey, kernel.vault).keep(begun.flow)
    return Started(begun, url, posted_back=way.protocol == "saml")


async def _choice_of(ways: Ways, asked: SsoStart) -> Choice:
    if asked.email is not None:
        return await ways.by_domain(asked.email)
    if asked.connection_id is not None:
        return Choice(CONNECTION, asked.connection_id)
    return Choice(asked.provider or "")


def check_redirect(settings: Settings, redirect_to: str) -> None:
    """Raise RedirectRefused unless an address is of an origin that the operator lists."""
    try:
        parts = urlsplit(redirect_to)
        origin = f"{parts.scheme}://{parts.netloc}".lower()
    except ValueError:
        raise RedirectRefused("It is no address.") from None
    if (
        not _PRINTABLE.fullmatch(redirect_to)
        or "#" in redirect_to
        or origin not in _origins(settings)
    ):
        raise RedirectRefused("Its origin is not listed; see LUMINOUS_CORS_ORIGINS.")


def _origins(settings: Settings) -> set[str]:
    given = (*settings.cors_origins, settings.public_url, settings.app_url)
    return {"/".join(each.split("/")[:3]).lower() for each in given if each}


async def arrive(kernel: Kernel, ways: Ways, flow: Flow, returned: Returned, base_url: str) -> str:
    """Where a browser that came back goes on to: the frontend, with a code or an error."""
    try:
        way = await ways.find(flow.choice, base_url)
        person = await way.person(flow.ask, returned)
    except AppError as error:
        return f"{flow.redirect_to}#error={error.code}&error_description={quote(error.detail)}"
    arrival = Arrival(flow.choice, person, flow.verifier_hash)
    code = await Flows(kernel.valkey, kernel.vault).arrive(arrival)
    return f"{flow.redirect_to}#code={code}"


async def complete(
    session: AsyncSession, settings: Settings, arrival: Arrival, wanted: SsoComplete, device: Device
) -> Renewal | SecondFactorNeeded:
    """A session for someone who has arrived, or what the account asks for besides.

    A second factor that its own organisation asked for counts as the account's.
    """
    matched = await joining.match_account(session, settings, arrival)
    if matched.trusted_factor:
        return await open_session(
            session,
            settings,
            matched.user_id,
            device,
            wanted.places,
            method=SSO,
            second_factor=True,
        )
    return await admit(session, settings, matched.user_id, device, wanted.places, method=SSO)


async def link(session: AsyncSession, access: Access, arrival: Arrival) -> UserIdentity:
    """Let who has arrived open the caller's account from now on; raises IdentityTaken."""
    return await joining.link(session, access.user_id, arrival.choice, arrival.person)


async def page(
    session: AsyncSession, access: Access, query: PageQuery, cursors: Cursors
) -> Slice[UserIdentity]:
    return await crud.page(session, access.user_id, query, cursors)


async def get(session: AsyncSession, access: Access, identity_id: UUID) -> UserIdentity:
    """A linked account of the caller; raises IdentityNotFound."""
    found = await crud.get(session, access.user_id, identity_id)
    if found is None:
        raise IdentityNotFound
    return found


async def unlink(session: AsyncSession, access: Access, identity_id: UUID) -> None:
    """Let an account elsewhere no longer open the caller's; raises IdentityLastWayIn."""
    user = await users.lock(session, access.user_id)
    identity = await get(session, access, identity_id)
    has_password = user is not None and user.password_hash is not None
    if not has_password and await crud.count(session, access.user_id) < 2:
        raise IdentityLastWayIn("Set a password or link another account first.")
    await crud.delete(session, identity)
    await note_of_person(
        session,
        access.user_id,
        "identity.unlinked",
        "user_identity",
        identity_id,
        provider=identity.provider,
        issuer=identity.issuer,
    )
