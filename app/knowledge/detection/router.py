"""/v1/dictionary/detect."""

from typing import Annotated

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.knowledge.detection import service
from app.knowledge.detection.edge import DetectorDep
from app.knowledge.detection.errors import TooManyTerms
from app.knowledge.detection.schemas import DetectCreate, DetectRead
from app.knowledge.dictionary.errors import DictionaryNotFound

Reader = Annotated[Access, require(Permission.DICTIONARY_READ)]

router = guarded_router(prefix="/v1/dictionary", tag="detection")


@router.post(
    "/detect",
    operation_id="dictionary_detect",
    summary="Find the terms of dictionaries in a text, and what each means there",
    description=(
        "Terms are found in every inflected form, whole words only, the longest of those that "
        "overlap. Where a term belongs to several concepts, its sentence decides. Terms of "
        "approved and of proposed entries are looked for."
    ),
    response_model=DetectRead,
    responses=problems(DictionaryNotFound, TooManyTerms),
    dependencies=[off_rails("it changes nothing")],
)
async def detect(
    access: Reader, kernel: KernelDep, detector: DetectorDep, asked: DetectCreate
) -> DetectRead:
    async with kernel.database.unit(access.scope) as session:
        ids = await service.dictionaries_of(session, access, asked)
    found = await detector.detect(
        access.workspace_id,
        ids,
        asked.text,
        languages=asked.languages,
        senses=asked.senses,
        now=True,
    )
    return service.shown(asked, ids, found)
