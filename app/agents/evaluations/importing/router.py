"""/v1/evaluations/import."""

from typing import Annotated

from fastapi import Response

from app.agents.evaluations.datasets.errors import DatasetFull
from app.agents.evaluations.importing import service
from app.agents.evaluations.importing.errors import ImportedEvaluationInvalid
from app.agents.evaluations.importing.schemas import EvaluationImport, EvaluationImported
from app.core.auth import Access, Permission
from app.core.http.guard import guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session

Writer = Annotated[Access, require(Permission.EVALUATIONS_WRITE)]

router = guarded_router(prefix="/v1/evaluations", tag="evaluations")


@router.post(
    "/import",
    operation_id="evaluations_import",
    summary="Take in an export of OpenAI's evals",
    description=(
        "Its items become a dataset, its criteria graders, the messages of a run a target. What "
        "cannot be taken in is named; code is never run."
    ),
    status_code=201,
    response_model=EvaluationImported,
    responses=problems(ImportedEvaluationInvalid, DatasetFull),
)
async def import_evaluation(
    access: Writer, session: Session, told: EvaluationImport, response: Response
) -> object:
    made = await service.take_in(session, access, told)
    response.headers["Location"] = f"/v1/evaluations/{made.evaluation.id}"
    return made
