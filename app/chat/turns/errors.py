"""What can be wrong with a turn."""

from app.core.errors import Conflict, Unprocessable


class TurnInvalid(Unprocessable):
    code = "turn_invalid"
    title = "This turn cannot be made"


class TurnCancelled(Conflict):
    code = "turn_cancelled"
    title = "The turn was cancelled before it was answered"
