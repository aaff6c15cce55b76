"""/v1/privacy/register."""

from typing import Annotated

from app.core.auth import Access, Permission
from app.core.http.guard import guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.oversight.privacy.register import service
from app.oversight.privacy.register.schemas import RegisterRead
from app.oversight.privacy.wired import PrivacyDep

Reader = Annotated[Access, require(Permission.PRIVACY_READ)]

router = guarded_router(prefix="/v1/privacy/register", tag="privacy_register")


@router.get(
    "",
    operation_id="privacy_register_get",
    summary="Show the register of processing",
    description="What is kept about people, why, for how long, and who else receives it.",
    responses=problems(),
)
async def get_register(access: Reader, session: Session, privacy: PrivacyDep) -> RegisterRead:
    return await service.read(session, access, privacy)
