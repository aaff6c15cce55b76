"""What can be wrong with what workflows keep."""

from app.core.errors import Conflict


class StateMoved(Conflict):
    """Another run has changed it since it was read."""

    code = "state_moved"
    title = "The kept value is another one by now"


class TooMuchState(Conflict):
    code = "too_much_state"
    title = "The workflow keeps as many values as it may"
