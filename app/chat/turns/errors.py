"""What can be wrong with a turn."""

from app.core.errors import Unavailable, Unprocessable


class TurnInvalid(Unprocessable):
    code = "turn_invalid"
    title = "This turn cannot be made"


class TurnUnfinished(Unavailable):
    code = "turn_unfinished"
    title = "The service is stopping; the turn goes on after its next start"
