"""What keeps a gate from saying anything."""

from app.core.errors import Conflict


class BaselineMissing(Conflict):
    code = "gate_baseline_missing"
    title = "The gate has nothing to compare with"


class OtherEvaluation(Conflict):
    code = "gate_other_evaluation"
    title = "The experiment is of another evaluation"
