"""The caller's second factors: /v1/me/second-factor, /v1/me/totp and /v1/me/recovery-codes."""

from typing import Annotated

from fastapi import Response

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.rate_limits import sensitive
from app.core.http.units import Session
from app.identity.enrolment import service
from app.identity.enrolment.schemas import (
    FactorAdded,
    RecoveryCodesCreated,
    SecondFactorRead,
    TotpConfirm,
    TotpCreated,
)
from app.identity.factors.attempts import Attempts
from app.identity.factors.errors import (
    NoSecondFactor,
    ProofRefused,
    TooManyAttempts,
    TotpOff,
    TotpOn,
)
from app.identity.sessions.errors import SessionRequired, StepUpRequired
from app.identity.sessions.guard import require_recent, require_session

Reader = Annotated[Access, require_session(Permission.PROFILE_READ)]
Person = Annotated[Access, require_session(Permission.PROFILE_WRITE)]
Proved = Annotated[Access, require_recent(Permission.PROFILE_WRITE)]

router = guarded_router(prefix="/v1/me", tag="second_factors")


@router.get(
    "/second-factor",
    operation_id="second_factor_get",
    summary="Show your second factors",
    responses=problems(SessionRequired),
)
async def get_second_factor(access: Reader, session: Session) -> SecondFactorRead:
    return await service.describe(session, access)


@router.post(
    "/totp",
    operation_id="totp_create",
    summary="Set up an authenticator app",
    description=(
        "Show the address as a QR code, then send a code of the app to `/v1/me/totp/confirm`; "
        "until then nothing changes at your sign-ins. Needs a recent proof of who you are."
    ),
    status_code=201,
    responses=problems(SessionRequired, StepUpRequired, TotpOn),
)
async def create_totp(
    access: Proved, session: Session, kernel: KernelDep, response: Response
) -> TotpCreated:
    response.headers["Location"] = "/v1/me/second-factor"
    response.headers["Cache-Control"] = "no-store"
    return await service.add_totp(session, kernel.vault, access)


@router.post(
    "/totp/confirm",
    operation_id="totp_confirm",
    summary="Confirm an authenticator app",
    description=(
        "With a code that the app shows. From now on a sign-in with the password asks for one; "
        "the first factor of an account comes with ten recovery codes."
    ),
    dependencies=[sensitive, off_rails("a code works once")],
    responses=problems(SessionRequired, ProofRefused, TooManyAttempts, TotpOff, TotpOn),
)
async def confirm_totp(
    body: TotpConfirm, access: Person, session: Session, kernel: KernelDep, response: Response
) -> FactorAdded:
    response.headers["Cache-Control"] = "no-store"
    await Attempts(kernel.valkey).begin(access.user_id)
    codes = await service.confirm_totp(session, kernel.vault, access, body.code)
    await Attempts(kernel.valkey).succeed(access.user_id)
    return FactorAdded(recovery_codes=codes)


@router.delete(
    "/totp",
    operation_id="totp_delete",
    dependencies=[sensitive],
    summary="Remove the authenticator app",
    description="At once and for good. Needs a recent proof of who you are.",
    status_code=204,
    responses=problems(SessionRequired, StepUpRequired, TotpOff),
)
async def delete_totp(access: Proved, session: Session) -> None:
    await service.remove_totp(session, access)


@router.post(
    "/recovery-codes",
    operation_id="recovery_codes_create",
    dependencies=[sensitive],
    summary="Get fresh recovery codes",
    description="All earlier ones stop working. Needs a recent proof of who you are.",
    status_code=201,
    responses=problems(SessionRequired, StepUpRequired, NoSecondFactor),
)
async def create_recovery_codes(
    access: Proved, session: Session, response: Response
) -> RecoveryCodesCreated:
    response.headers["Location"] = "/v1/me/second-factor"
    response.headers["Cache-Control"] = "no-store"
    return RecoveryCodesCreated(recovery_codes=await service.renew_codes(session, access))
