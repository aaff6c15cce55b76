"""The second factor of a sign-in, signing in with a passkey, and step-up."""

from typing import Annotated

from fastapi import Request, Response

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, public
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.rate_limits import sensitive
from app.identity.connections.errors import SsoRequired
from app.identity.factors.errors import ChallengeInvalid, ProofRefused, TooManyAttempts
from app.identity.sessions import proving
from app.identity.sessions.answering import SigningKeysDep, answer_tokens, device_of
from app.identity.sessions.errors import SessionRequired
from app.identity.sessions.guard import require_session
from app.identity.sessions.proving_schemas import (
    PasskeyChallenge,
    PasskeySignIn,
    SecondFactorAnswer,
    StepUp,
    StepUpOptions,
    StepUpRead,
)
from app.identity.sessions.schemas import TokenRead
from app.identity.users.errors import EmailUnverified
from app.identity.users.passwords import HashingBusy

Person = Annotated[Access, require_session(Permission.PROFILE_READ)]

router = guarded_router(prefix="/v1/auth", tag="sessions")

_ONCE = off_rails("a challenge is answered once")


@router.post(
    "/second-factor",
    operation_id="second_factor_prove",
    summary="Go on with a sign-in: the second factor",
    description=(
        "Takes the challenge of `/v1/auth/login` with a code or a passkey's answer, and answers "
        "the tokens where the sign-in asked for them. A challenge lives for five minutes; a wrong "
        "code can be corrected, ever more slowly after the fifth."
    ),
    dependencies=[public, sensitive, _ONCE],
    responses=problems(ChallengeInvalid, ProofRefused, TooManyAttempts),
)
async def prove_second_factor(
    body: SecondFactorAnswer,
    request: Request,
    response: Response,
    kernel: KernelDep,
    keys: SigningKeysDep,
) -> TokenRead:
    renewal = await proving.finish_second_factor(kernel, body, device_of(request))
    in_cookie = renewal.places.refresh_in_cookie
    return await answer_tokens(response, kernel, keys, renewal, in_cookie=in_cookie)


@router.post(
    "/passkey/options",
    operation_id="sessions_begin_with_passkey",
    summary="Begin a sign-in with a passkey",
    description="What any passkey of this service may sign; nobody is named before it answers.",
    dependencies=[public, sensitive, off_rails("every challenge is a fresh one")],
    responses=problems(),
)
async def begin_with_passkey(kernel: KernelDep, response: Response) -> PasskeyChallenge:
    response.headers["Cache-Control"] = "no-store"
    return await proving.ask_any_passkey(kernel)


@router.post(
    "/passkey",
    operation_id="sessions_create_with_passkey",
    summary="Sign in with a passkey",
    description=(
        "The authenticator must have verified its user (by a fingerprint, say): that is both "
        "factors in one. The challenge is used up, whatever the answer is worth."
    ),
    dependencies=[public, sensitive, _ONCE],
    responses=problems(ChallengeInvalid, ProofRefused, SsoRequired, EmailUnverified),
)
async def create_with_passkey(
    body: PasskeySignIn,
    request: Request,
    response: Response,
    kernel: KernelDep,
    keys: SigningKeysDep,
) -> TokenRead:
    renewal = await proving.sign_in_with_passkey(kernel, body, device_of(request))
    in_cookie = renewal.places.refresh_in_cookie
    return await answer_tokens(response, kernel, keys, renewal, in_cookie=in_cookie)


@router.post(
    "/step-up/options",
    operation_id="step_up_begin",
    summary="What a step-up takes",
    description="The methods of the account, and a challenge where a passkey is one of them.",
    dependencies=[off_rails("every challenge is a fresh one")],
    responses=problems(SessionRequired),
)
async def begin_step_up(access: Person, kernel: KernelDep, response: Response) -> StepUpOptions:
    response.headers["Cache-Control"] = "no-store"
    return await proving.ask_step_up(kernel, access)


@router.post(
    "/step-up",
    operation_id="step_up_prove",
    summary="Prove once more who you are",
    description=(
        "For ten minutes this session may then do what answers `step_up_required` else. An account "
        "with a second factor takes that; the password does where there is none."
    ),
    dependencies=[sensitive, off_rails("a proof is checked every time it is given")],
    responses=problems(
        SessionRequired, ChallengeInvalid, ProofRefused, TooManyAttempts, HashingBusy
    ),
)
async def prove_step_up(body: StepUp, access: Person, kernel: KernelDep) -> StepUpRead:
    return await proving.step_up(kernel, access, body)
