"""Errors about the life of an account."""

from collections.abc import Sequence

from app.core.errors import Conflict


class WorkspacesLeftAlone(Conflict):
    """Others work in a team workspace that would have no owner any more."""

    code = "workspaces_left_alone"
    title = "A workspace with other members would have no owner"

    def __init__(self, names: Sequence[str]) -> None:
        told = ", ".join(f"“{name}”" for name in names)
        super().__init__(
            f"You are the only owner of {told}. Make another member its owner, or delete it, "
            "then delete your account."
        )


class EmailVerifiedAlready(Conflict):
    code = "email_verified_already"
    title = "The e-mail address is confirmed already"
