"""Proving who one is: the second factor of a sign-in, a passkey alone, and once more."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.core.auth import Access
from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession
from app.core.kernel import Kernel
from app.identity.connections import rules as connections
from app.identity.factors import crud as factors_crud
from app.identity.factors import proofs
from app.identity.factors import service as factors
from app.identity.factors.attempts import Attempts
from app.identity.factors.challenges import LIFETIME_SECONDS, Ceremony, Challenge, Challenges
from app.identity.factors.challenges import signed as kept
from app.identity.factors.errors import ChallengeInvalid, ProofRefused
from app.identity.factors.methods import Method, in_words
from app.identity.factors.relying_party import relying_party
from app.identity.factors.schemas import PasskeyProof, PasswordProof
from app.identity.sessions import crud, opening
from app.identity.sessions.guard import RECENT
from app.identity.sessions.opening import Device, Renewal, SecondFactorNeeded, open_session
from app.identity.sessions.places import Places
from app.identity.sessions.proving_schemas import (
    PasskeyChallenge,
    PasskeySignIn,
    SecondFactorAnswer,
    SecondFactorChallenge,
    StepUp,
    StepUpOptions,
    StepUpRead,
)
from app.identity.trail import SESSION, note_of_person, tell_refusal_soon
from app.identity.users import crud as users
from app.identity.users import passwords
from app.identity.users.models import User
from app.identity.users.standing import check_standing

if TYPE_CHECKING:
    from app.identity.factors.ceremonies import Asked


async def ask_second_factor(kernel: Kernel, needed: SecondFactorNeeded) -> SecondFactorChallenge:
    """The challenge that a sign-in goes on with."""
    asked = await _ask_passkey(kernel, needed.user_id) if Method.PASSKEY in needed.methods else None
    token = await Challenges(kernel.valkey).issue(
        Ceremony.SECOND_FACTOR,
        Challenge(
            user_id=needed.user_id,
            signed=kept(asked.challenge) if asked else "",
            password_mark=needed.password_mark,
            wishes={
                "refresh_in_cookie": needed.places.refresh_in_cookie,
                "access_in_cookie": needed.places.access_in_cookie,
            },
        ),
    )
    return SecondFactorChallenge(
        type="second_factor",
        challenge=token,
        expires_in=LIFETIME_SECONDS,
        methods=list(needed.methods),
        passkey_options=asked.options if asked else None,
    )


async def finish_second_factor(
    kernel: Kernel, answer: SecondFactorAnswer, device: Device
) -> Renewal:
    """The session that a sign-in asked for.

    Raises ChallengeInvalid, ProofRefused and TooManyAttempts. A wrong code leaves the challenge
    for another try; a passkey's answer uses it up either way, as does success.
    """
    challenges = Challenges(kernel.valkey)
    once = isinstance(answer.proof, PasskeyProof)
    get = challenges.take if once else challenges.find
    challenge = await get(Ceremony.SECOND_FACTOR, answer.challenge)
    user_id = _user_of(challenge)
    attempts = Attempts(kernel.valkey)
    await attempts.begin(user_id)
    try:
        async with kernel.database.unit(SYSTEM) as session:
            user = await _still_active(session, user_id)
            if opening.mark_of(user.password_hash) != challenge.password_mark:
                raise ChallengeInvalid("Begin again.")
            await _check_second(kernel, session, user_id, answer.proof, challenge)
            if not once:
                await challenges.take(Ceremony.SECOND_FACTOR, answer.challenge)
            renewal = await open_session(
                session,
                kernel.settings,
                user_id,
                device,
                Places(**challenge.wishes),
                method=answer.proof.type,
                second_factor=True,
            )
    except ProofRefused:
        tell_refusal_soon(kernel, user_id, "session.refused", method=answer.proof.type)
        raise
    await attempts.succeed(user_id)
    return renewal


async def ask_any_passkey(kernel: Kernel) -> PasskeyChallenge:
    """What any passkey of this service may sign to sign its owner in."""
    from app.identity.factors import ceremonies  # noqa: PLC0415 - brings webauthn, which few need

    asked = ceremonies.ask_to_sign(relying_party(kernel.settings), None)
    return await _issue(kernel, Ceremony.PASSKEY_SIGN_IN, asked)


async def sign_in_with_passkey(kernel: Kernel, answer: PasskeySignIn, device: Device) -> Renewal:
    """A session for the owner of a passkey.

    Raises ChallengeInvalid, ProofRefused and EmailUnverified.
    """
    challenges = Challenges(kernel.valkey)
    challenge = await challenges.take(Ceremony.PASSKEY_SIGN_IN, answer.challenge)
    party = relying_party(kernel.settings)
    async with kernel.database.unit(SYSTEM) as session:
        owner_id = await proofs.owner_of(session, answer.credential)
    try:
        async with kernel.database.unit(SYSTEM) as session:
            user = await _still_active(session, owner_id)
            passkey = await proofs.find_passkey(session, answer.credential)
            await proofs.use_passkey(
                session, party, passkey, answer.credential, challenge.to_sign, alone=True
            )
            check_standing(user, kernel.settings)
            await connections.allow_own_way(session, owner_id, second_factor=True)
            return await open_session(
                session,
                kernel.settings,
                owner_id,
                device,
                answer.places,
                method=Method.PASSKEY,
                second_factor=True,
            )
    except ProofRefused:
        tell_refusal_soon(kernel, owner_id, "session.refused", method=Method.PASSKEY)
        raise


async def ask_step_up(kernel: Kernel, access: Access) -> StepUpOptions:
    """What the caller can prove themselves with once more."""
    async with kernel.database.unit(access.scope) as session:
        methods = await factors.methods(session, access.user_id)
    passkey = None
    if Method.PASSKEY in methods:
        asked = await _ask_passkey(kernel, access.user_id)
        passkey = await _issue(kernel, Ceremony.STEP_UP, asked, access)
    return StepUpOptions(methods=list(methods), passkey=passkey)


async def step_up(kernel: Kernel, access: Access, body: StepUp) -> StepUpRead:
    """Note that the caller has proved who they are.

    Raises ProofRefused, ChallengeInvalid and TooManyAttempts; a password does not do where the
    account has a second factor.
    """
    challenge = await _challenge_of_step_up(kernel, access, body)
    attempts = Attempts(kernel.valkey)
    await attempts.begin(access.user_id)
    try:
        await _check_password(kernel, access, body.proof)
        moment = now()
        second = not isinstance(body.proof, PasswordProof)
        async with kernel.database.unit(SYSTEM) as session:
            if not isinstance(body.proof, PasswordProof):
                await _check_second(kernel, session, access.user_id, body.proof, challenge)
            await crud.prove(session, access.credential_id, moment, second_factor=second)
            await note_of_person(
                session,
                access.user_id,
                "session.proved",
                SESSION,
                access.credential_id,
                method=body.proof.type,
            )
    except ProofRefused:
        tell_refusal_soon(kernel, access.user_id, "session.refused", method=body.proof.type)
        raise
    await attempts.succeed(access.user_id)
    return StepUpRead(
        authenticated_at=moment,
        recent_until=moment + RECENT,
        second_factor=second or access.second_factor,
    )


async def _challenge_of_step_up(kernel: Kernel, access: Access, body: StepUp) -> Challenge:
    if not isinstance(body.proof, PasskeyProof):
        return Challenge()
    if body.challenge is None:
        raise ChallengeInvalid("A passkey signs a challenge of `/v1/auth/step-up/options`.")
    challenge = await Challenges(kernel.valkey).take(Ceremony.STEP_UP, body.challenge)
    if challenge.session_id != access.credential_id:
        raise ChallengeInvalid("Begin again.")
    return challenge


async def _check_password(kernel: Kernel, access: Access, proof: Any) -> None:
    """Check a password before a connection is taken for the rest; raises ProofRefused."""
    if not isinstance(proof, PasswordProof):
        return
    async with kernel.database.unit(access.scope) as session:
        methods = await factors.methods(session, access.user_id)
        user = await users.get(session, access.user_id)
    if Method.PASSWORD not in methods or user is None:
        ways = in_words(methods) if methods else "another sign-in"
        raise ProofRefused(f"This account proves itself with {ways}.")
    matches, _ = await passwords.verify(proof.password.get_secret_value(), user.password_hash)
    if not matches:
        raise ProofRefused("Check it and try again.")


async def _check_second(
    kernel: Kernel, session: AsyncSession, user_id: UUID, proof: Any, challenge: Challenge
) -> None:
    party = relying_party(kernel.settings)
    await proofs.check(session, kernel.vault, party, user_id, proof, challenge.to_sign)


async def _still_active(session: AsyncSession, user_id: UUID) -> User:
    """The account, locked; raises ProofRefused for one that was deactivated or deleted."""
    user = await users.lock(session, user_id)
    if user is None or user.status != "active":
        raise ProofRefused("Check it and try again.")
    return user


async def _ask_passkey(kernel: Kernel, user_id: UUID) -> "Asked":
    from app.identity.factors import ceremonies  # noqa: PLC0415 - brings webauthn, which few need

    async with kernel.database.unit(SYSTEM) as session:
        known = await factors_crud.passkeys(session, user_id)
    return ceremonies.ask_to_sign(relying_party(kernel.settings), known)


async def _issue(
    kernel: Kernel, ceremony: Ceremony, asked: "Asked", access: Access | None = None
) -> PasskeyChallenge:
    challenge = Challenge(
        user_id=access.user_id if access else None,
        session_id=access.credential_id if access else None,
        signed=kept(asked.challenge),
    )
    token = await Challenges(kernel.valkey).issue(ceremony, challenge)
    return PasskeyChallenge(challenge=token, expires_in=LIFETIME_SECONDS, options=asked.options)


def _user_of(challenge: Challenge) -> UUID:
    if challenge.user_id is None:
        raise ChallengeInvalid("Begin again.")
    return challenge.user_id
