"""The proof of an address, passwords, and the end of an account."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.auth import Access, Permission
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, public
from app.core.http.problems import problems
from app.core.http.rate_limits import address_of, sensitive
from app.core.http.units import SystemSession
from app.identity.accounts import ending, proofs, service
from app.identity.accounts.errors import EmailVerifiedAlready, WorkspacesLeftAlone
from app.identity.accounts.proofs import NewPasswordHash, ProvedPassword
from app.identity.accounts.schemas import (
    AccountRestore,
    EmailChange,
    EmailVerification,
    MailPromised,
    PasswordChange,
    PasswordForgotten,
    PasswordReset,
)
from app.identity.sessions.errors import CredentialsRefused
from app.identity.sessions.guard import require_recent, require_session
from app.identity.users.errors import (
    AccountDeactivated,
    EmailTaken,
    TokenRefused,
    TooMuchMail,
    WrongCurrentPassword,
)
from app.identity.users.models import User
from app.identity.users.password_rules import PasswordRefused
from app.identity.users.passwords import HashingBusy
from app.identity.users.schemas import UserRead

Person = Annotated[Access, require_session(Permission.PROFILE_WRITE)]
Proved = Annotated[Access, require_recent(Permission.PROFILE_WRITE)]

router = guarded_router(prefix="/v1", tag="accounts")


async def take_change(
    body: PasswordChange, request: Request, kernel: KernelDep, access: Proved
) -> NewPasswordHash:
    return await proofs.prepare_change(kernel, access, body, address_of(request.scope))


async def take_reset(body: PasswordReset, kernel: KernelDep) -> NewPasswordHash:
    return await proofs.prepare_reset(kernel, body)


async def take_proof(body: AccountRestore, request: Request, kernel: KernelDep) -> ProvedPassword:
    return await proofs.prove(kernel, body, address_of(request.scope))


@router.post(
    "/auth/verify-email",
    operation_id="accounts_verify_email",
    summary="Confirm an e-mail address",
    description="With the token that was mailed to it: of a registration, or of a new address.",
    response_model=UserRead,
    dependencies=[public, sensitive],
    responses=problems(TokenRefused, EmailTaken),
)
async def verify_email(body: EmailVerification, session: SystemSession) -> User:
    return await service.verify_email(session, body.token)


@router.post(
    "/auth/verify-email/resend",
    operation_id="accounts_resend_verification",
    dependencies=[sensitive],
    summary="Mail the token again",
    description="The earlier ones end. At most five such mails an hour go to one address.",
    status_code=202,
    responses=problems(EmailVerifiedAlready, TooMuchMail),
)
async def resend_verification(
    access: Person, session: SystemSession, kernel: KernelDep
) -> MailPromised:
    await service.resend_verification(session, kernel.settings, access)
    return MailPromised(message="A mail is on its way.")


@router.post(
    "/auth/forgot-password",
    operation_id="accounts_forgot_password",
    summary="Ask for a new password",
    description=(
        "Mails a token that is valid for an hour. The answer is the same whether or not there is "
        "such an account."
    ),
    status_code=202,
    dependencies=[public, sensitive],
    responses=problems(),
)
async def forgot_password(
    body: PasswordForgotten, session: SystemSession, kernel: KernelDep
) -> MailPromised:
    await service.forget_password(session, kernel.settings, body.email)
    return MailPromised(message="If the address is an account's, a mail is on its way to it.")


@router.post(
    "/auth/reset-password",
    operation_id="accounts_reset_password",
    summary="Set a new password with a mailed token",
    description=(
        "Ends every session and every lock of the account. Where the address was never confirmed "
        "before, all that could let someone else back in ends too: API keys, second factors, "
        "passkeys, linked accounts, and other people's places in the personal workspace."
    ),
    status_code=204,
    dependencies=[public, sensitive],
    responses=problems(TokenRefused, PasswordRefused, HashingBusy),
)
async def reset_password(
    body: PasswordReset,
    new: Annotated[NewPasswordHash, Depends(take_reset)],
    session: SystemSession,
    kernel: KernelDep,
) -> None:
    await service.reset_password(session, kernel, body.token, new)


@router.post(
    "/auth/restore",
    operation_id="accounts_restore",
    summary="Restore a deleted or deactivated account",
    description="Within 30 days of its deletion. Sign in next, with the same words.",
    response_model=UserRead,
    dependencies=[public, sensitive],
    responses=problems(CredentialsRefused, AccountDeactivated, RestoreExpired, HashingBusy),
)
async def restore_account(
    proved: Annotated[ProvedPassword, Depends(take_proof)],
    session: SystemSession,
    kernel: KernelDep,
) -> User:
    return await ending.restore(session, kernel, proved)


@router.post(
    "/me/password",
    operation_id="me_change_password",
    dependencies=[sensitive],
    summary="Change the password",
    description="Ends the caller's other sessions, and mails its owner. Not with an API key.",
    status_code=204,
    responses=problems(WrongCurrentPassword, PasswordRefused, HashingBusy),
)
async def change_password(
    access: Proved,
    new: Annotated[NewPasswordHash, Depends(take_change)],
    session: SystemSession,
) -> None:
    await service.change_password(session, access, new)


@router.post(
    "/me/email",
    operation_id="me_change_email",
    dependencies=[sensitive],
    summary="Change the e-mail address",
    description=(
        "Mails a token to the new address, for `POST /v1/auth/verify-email`, and a warning to the "
        "present one. Until the token is used nothing changes."
    ),
    status_code=202,
    responses=problems(TooMuchMail),
)
async def change_email(
    body: EmailChange, access: Proved, session: SystemSession, kernel: KernelDep
) -> MailPromised:
    await service.change_email(session, kernel.settings, access, body.email)
    return MailPromised(message="If the address can be used, a mail is on its way to it.")


@router.post(
    "/me/deactivate",
    operation_id="me_deactivate",
    dependencies=[sensitive],
    summary="Deactivate the account",
    description=(
        "Ends its sessions and stops its API keys, and keeps everything. "
        "`POST /v1/auth/restore` activates it again."
    ),
    status_code=204,
    responses=problems(),
)
async def deactivate_me(access: Proved, session: SystemSession, kernel: KernelDep) -> None:
    await ending.deactivate(session, kernel, access)


@router.delete(
    "/me",
    operation_id="me_delete",
    dependencies=[sensitive],
    summary="Delete the account",
    description=(
        "For 30 days `POST /v1/auth/restore` brings it back; then all that is the person's is "
        "erased. Whoever alone owns a workspace with other members hands it over first."
    ),
    status_code=204,
    responses=problems(WorkspacesLeftAlone),
)
async def delete_me(access: Proved, session: SystemSession, kernel: KernelDep) -> None:
    await ending.delete(session, kernel, access)
