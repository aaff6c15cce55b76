"""Errors about erasures."""

from collections.abc import Sequence

from app.core.errors import Conflict, NotFound
from app.oversight.privacy.people import OwnedWorkspace


class ErasureNotFound(NotFound):
    code = "erasure_not_found"
    title = "No such erasure"


class CertificateNotFound(NotFound):
    code = "certificate_not_found"
    title = "No such certificate"


class ErasureUnderWay(Conflict):
    code = "erasure_under_way"
    title = "Your erasure was asked for before"


class ErasureBegun(Conflict):
    code = "erasure_begun"
    title = "The erasure cannot be cancelled any more"


class WorkspacesNeedOwner(Conflict):
    """Others would be left in a workspace without an owner."""

    code = "workspaces_need_owner"
    title = "A workspace would be left without an owner"

    def __init__(self, workspaces: Sequence[OwnedWorkspace]) -> None:
        names = ", ".join(f"“{w.name}” ({w.id})" for w in workspaces[:20])
        super().__init__(
            f"You are the only owner of {names}. Transfer the ownership, or delete them first."
        )
