"""The mails about an account: what each says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str


def _with_token(app_url: str, page: str, token: str) -> str:
    """The link, whose token stands behind the `#` where no server's log sees it, and the token."""
    link = f"Open this link:\n\n{app_url}/{page}#token={token}\n\n" if app_url else ""
    return f"{link}{'Or use' if link else 'Use'} this token:\n\n{token}\n"


def _signed(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs) + "\n\nLuminous\n"


def verify_email(app_url: str, token: str) -> Letter:
    return Letter(
        "Confirm your e-mail address",
        _signed(
            "Someone, we hope you, used this address for an account.",
            _with_token(app_url, "verify-email", token),
            "It is valid for 48 hours and once. If it was not you, do nothing: to confirm it would "
            "leave the account to whoever made it. “Forgot password” makes it yours alone.",
        ),
    )


def change_email(app_url: str, token: str) -> Letter:
    return Letter(
        "Confirm your new e-mail address",
        _signed(
            "You asked to use this address for your account from now on.",
            _with_token(app_url, "verify-email", token),
            "It is valid for 24 hours and once. If it was not you, do nothing.",
        ),
    )


def email_change_asked(new_email: str) -> Letter:
    return Letter(
        "Your e-mail address is about to change",
        _signed(
            f"Your account will use the address {new_email}, once it is confirmed there.",
            "If it was not you, change your password now: that stops it.",
        ),
    )


def email_changed(new_email: str) -> Letter:
    return Letter(
        "Your e-mail address has changed",
        _signed(
            f"Your account uses the address {new_email} now, and no longer this one.",
            "If it was not you, tell the operator of this service.",
        ),
    )


def reset_password(app_url: str, token: str) -> Letter:
    return Letter(
        "Set a new password",
        _signed(
            "Someone, we hope you, asked for a new password of your account.",
            _with_token(app_url, "reset-password", token),
            "It is valid for one hour and once. If it was not you, do nothing: nothing changes.",
        ),
    )


def password_changed() -> Letter:
    return Letter(
        "Your password has changed",
        _signed(
            "The password of your account was changed a moment ago.",
            "If it was not you, set a new one at once with “forgot password”.",
        ),
    )


def second_factor_added(kind: str) -> Letter:
    return _warning(f"Your account has {kind} more", f"You can prove who you are with {kind} now.")


def second_factor_removed(kind: str) -> Letter:
    return _warning(
        "A second factor of your account was removed", f"It was {kind}; it opens nothing any more."
    )


def recovery_codes_renewed() -> Letter:
    return _warning(
        "Your account has fresh recovery codes", "All earlier ones have stopped working."
    )


def _warning(subject: str, what: str) -> Letter:
    """What the owner would want to know of if someone else did it."""
    return Letter(
        subject,
        _signed(
            what,
            "If it was not you, set a new password at once with “forgot password”, which signs "
            "everyone out, then look through your second factors.",
        ),
    )


def account_locked() -> Letter:
    return Letter(
        "Sign-in to your account is locked for a while",
        _signed(
            "There were several attempts to sign in to your account with a wrong password. To keep "
            "it safe, further ones are refused for a while, and for longer with each failure.",
            "If it was not you, you need not do anything. If you forgot your password, set a new "
            "one with “forgot password”: that opens your account at once.",
        ),
    )


def account_deleted(restorable_days: int) -> Letter:
    return Letter(
        "Your account is deleted",
        _signed(
            f"Your account was deleted. For {restorable_days} days you can restore it with your "
            "e-mail address and password; then all that is yours is erased for good.",
            "If it was not you, restore it and change your password.",
        ),
    )
