"""Errors about second factors and their proof."""

from app.core.errors import BadRequest, Conflict, NotFound, PermissionDenied, TooManyRequests


class ProofRefused(PermissionDenied):
    """One answer for whatever is wrong with it."""

    code = "proof_refused"
    title = "This does not prove who you are"


class TooManyAttempts(TooManyRequests):
    code = "too_many_attempts"
    title = "Too many failed attempts to prove who you are"


class ChallengeInvalid(BadRequest):
    code = "challenge_invalid"
    title = "The challenge is unknown, used or expired"


class PasskeyRefused(BadRequest):
    code = "passkey_refused"
    title = "The passkey's answer is not valid"


class PasskeyKnown(Conflict):
    code = "passkey_known"
    title = "This passkey is registered already"


class PasskeyNotFound(NotFound):
    code = "passkey_not_found"
    title = "No such passkey"


class TotpOn(Conflict):
    code = "totp_on"
    title = "An authenticator app is set up already"


class TotpOff(Conflict):
    code = "totp_off"
    title = "No authenticator app is set up"


class NoSecondFactor(Conflict):
    code = "no_second_factor"
    title = "The account has no second factor"


class TooManyPasskeys(Conflict):
    code = "too_many_passkeys"
    title = "The account has as many passkeys as it can have"
