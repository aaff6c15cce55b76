"""/v1/me/passkeys."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.rate_limits import sensitive
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.identity.enrolment import service
from app.identity.enrolment.schemas import (
    PasskeyCreate,
    PasskeyCreated,
    PasskeyOptions,
    PasskeyRead,
    PasskeyUpdate,
)
from app.identity.factors.challenges import (
    LIFETIME_SECONDS,
    Ceremony,
    Challenge,
    Challenges,
    signed,
)
from app.identity.factors.errors import (
    ChallengeInvalid,
    PasskeyKnown,
    PasskeyNotFound,
    PasskeyRefused,
    TooManyPasskeys,
)
from app.identity.factors.models import Passkey
from app.identity.factors.relying_party import relying_party
from app.identity.sessions.errors import SessionRequired, StepUpRequired
from app.identity.sessions.guard import require_recent, require_session

Reader = Annotated[Access, require_session(Permission.PROFILE_READ)]
Person = Annotated[Access, require_session(Permission.PROFILE_WRITE)]
Proved = Annotated[Access, require_recent(Permission.PROFILE_WRITE)]

router = guarded_router(prefix="/v1/me/passkeys", tag="passkeys")


@router.post(
    "/options",
    operation_id="passkeys_begin",
    summary="Begin to add a passkey",
    description="What the browser needs to make one. Needs a recent proof of who you are.",
    dependencies=[off_rails("every challenge is a fresh one")],
    responses=problems(SessionRequired, StepUpRequired, TooManyPasskeys),
)
async def begin_passkey(
    access: Proved, session: Session, kernel: KernelDep, response: Response
) -> PasskeyOptions:
    asked = await service.ask_passkey(session, relying_party(kernel.settings), access)
    challenge = Challenge(
        user_id=access.user_id, session_id=access.credential_id, signed=signed(asked.challenge)
    )
    token = await Challenges(kernel.valkey).issue(Ceremony.PASSKEY_REGISTRATION, challenge)
    response.headers["Cache-Control"] = "no-store"
    return PasskeyOptions(challenge=token, expires_in=LIFETIME_SECONDS, options=asked.options)


@router.post(
    "",
    operation_id="passkeys_create",
    summary="Add a passkey",
    description=(
        "It signs you in without the password, and is a second factor beside it. The first factor "
        "of an account comes with ten recovery codes."
    ),
    status_code=201,
    dependencies=[sensitive, off_rails("a challenge is answered once")],
    responses=problems(
        SessionRequired, ChallengeInvalid, PasskeyRefused, PasskeyKnown, TooManyPasskeys
    ),
)
async def create_passkey(
    body: PasskeyCreate, access: Person, session: Session, kernel: KernelDep, response: Response
) -> PasskeyCreated:
    challenges = Challenges(kernel.valkey)
    challenge = await challenges.take(Ceremony.PASSKEY_REGISTRATION, body.challenge)
    if challenge.session_id != access.credential_id:
        raise ChallengeInvalid("Begin again.")
    party = relying_party(kernel.settings)
    made, codes = await service.add_passkey(session, party, access, body, challenge.to_sign)
    response.headers["Location"] = f"/v1/me/passkeys/{made.id}"
    response.headers["Cache-Control"] = "no-store"
    shown = PasskeyRead.model_validate(made).model_dump()
    return PasskeyCreated(**shown, recovery_codes=codes)


@router.get(
    "",
    operation_id="passkeys_list",
    summary="List your passkeys",
    response_model=Page[PasskeyRead],
    responses=problems(CursorInvalid, SessionRequired),
)
async def list_passkeys(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[PageQuery, Query()]
) -> object:
    return await service.page_passkeys(session, access, query, kernel.cursors)


@router.get(
    "/{passkey_id}",
    operation_id="passkeys_get",
    summary="Show a passkey",
    response_model=PasskeyRead,
    responses=problems(SessionRequired, PasskeyNotFound),
)
async def get_passkey(passkey_id: UUID, access: Reader, session: Session) -> Passkey:
    return await service.get_passkey(session, access, passkey_id)


@router.patch(
    "/{passkey_id}",
    operation_id="passkeys_update",
    summary="Rename a passkey",
    response_model=PasskeyRead,
    responses=problems(SessionRequired, PasskeyNotFound),
)
async def update_passkey(
    passkey_id: UUID, body: PasskeyUpdate, access: Person, session: Session
) -> Passkey:
    return await service.rename_passkey(session, access, passkey_id, body)


@router.delete(
    "/{passkey_id}",
    operation_id="passkeys_delete",
    dependencies=[sensitive],
    summary="Remove a passkey",
    description="At once and for good. Needs a recent proof of who you are.",
    status_code=204,
    responses=problems(SessionRequired, StepUpRequired, PasskeyNotFound),
)
async def delete_passkey(passkey_id: UUID, access: Proved, session: Session) -> None:
    await service.remove_passkey(session, access, passkey_id)
