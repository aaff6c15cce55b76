"""What can go wrong with a run."""

from app.core.errors import NotFound, Unavailable


class RunNotFound(NotFound):
    code = "run_not_found"
    title = "No such run"


class RunInterrupted(Unavailable):
    code = "run_interrupted"
    title = "The run was interrupted too often"
