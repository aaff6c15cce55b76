"""/v1/dictionaries/{dictionary_id}/policy."""

from typing import Annotated
from uuid import UUID

from app.core.auth import Access, Permission
from app.core.http.guard import guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.knowledge.detection.policies import service
from app.knowledge.detection.policies.models import DictionaryPolicy
from app.knowledge.detection.policies.schemas import DictionaryPolicyRead, DictionaryPolicyUpdate
from app.knowledge.dictionary.errors import DictionaryNotFound

Reader = Annotated[Access, require(Permission.DICTIONARY_READ)]
Approver = Annotated[Access, require(Permission.DICTIONARY_APPROVE)]

router = guarded_router(prefix="/v1/dictionaries", tag="dictionary_policies")


@router.get(
    "/{dictionary_id}/policy",
    operation_id="dictionary_policies_get",
    summary="Show how prompts and answers are held to a dictionary",
    response_model=DictionaryPolicyRead,
    responses=problems(DictionaryNotFound),
)
async def get_policy(access: Reader, session: Session, dictionary_id: UUID) -> DictionaryPolicy:
    return await service.get(session, access, dictionary_id)


@router.patch(
    "/{dictionary_id}/policy",
    operation_id="dictionary_policies_update",
    summary="Change how prompts and answers are held to a dictionary",
    response_model=DictionaryPolicyRead,
    responses=problems(DictionaryNotFound),
)
async def update_policy(
    access: Approver, session: Session, dictionary_id: UUID, change: DictionaryPolicyUpdate
) -> DictionaryPolicy:
    return await service.update(session, access, dictionary_id, change)
