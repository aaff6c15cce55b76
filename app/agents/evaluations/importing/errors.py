"""What can be wrong with what is imported."""

from app.core.errors import Unprocessable


class ImportedEvaluationInvalid(Unprocessable):
    code = "imported_evaluation_invalid"
    title = "The export cannot be taken in"
