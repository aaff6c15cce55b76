"""What can be wrong with an evaluation."""

from app.core.errors import NotFound


class EvaluationNotFound(NotFound):
    code = "search_evaluation_not_found"
    title = "There is no such evaluation"


class QuestionSetNotFound(NotFound):
    code = "question_set_not_found"
    title = "There is no such question set"
