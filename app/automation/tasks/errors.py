"""What can be wrong with a task, or with deciding it."""

from app.core.errors import Conflict, NotFound, PermissionDenied, Unprocessable


class TaskNotFound(NotFound):
    code = "task_not_found"
    title = "There is no such task"


class TaskDecided(Conflict):
    """It was decided, its time is over, or its run has ended."""

    code = "task_not_open"
    title = "The task is not open any more"


class TaskNotYours(PermissionDenied):
    code = "task_not_yours"
    title = "The task is somebody else's"


class TaskDataInvalid(Unprocessable):
    code = "task_data_invalid"
    title = "The data does not fit the task's form"


class AssigneeUnknown(Unprocessable):
    code = "assignee_unknown"
    title = "There is nobody of this name to give the task to"
