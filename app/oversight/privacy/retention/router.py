"""/v1/privacy/retention."""

from typing import Annotated

from app.core.auth import Access, Permission
from app.core.http.guard import guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.oversight.privacy.retention import service
from app.oversight.privacy.retention.schemas import RetentionRead, RetentionUpdate
from app.oversight.privacy.wired import PrivacyDep

Reader = Annotated[Access, require(Permission.PRIVACY_READ)]
Writer = Annotated[Access, require(Permission.PRIVACY_WRITE)]

router = guarded_router(prefix="/v1/privacy/retention", tag="privacy_retention")


@router.get(
    "",
    operation_id="privacy_retention_get",
    summary="Show how long data is kept",
    responses=problems(),
)
async def get_retention(access: Reader, session: Session, privacy: PrivacyDep) -> RetentionRead:
    return await service.get(session, access, privacy.people)


@router.put(
    "",
    operation_id="privacy_retention_replace",
    summary="Set how long data is kept",
    description=(
        "The whole policy of the workspace: a class that is left out is kept. What is too old is "
        "deleted for good, within the hour. With `dry_run=true`, `due` tells what would go."
    ),
    responses=problems(),
)
async def replace_retention(
    body: RetentionUpdate, access: Writer, session: Session, privacy: PrivacyDep
) -> RetentionRead:
    return await service.replace(session, access, privacy.people, body)
