"""What can be wrong with a turn."""

from app.core.errors import Unprocessable


class TurnInvalid(Unprocessable):
    code = "turn_invalid"
    title = "This turn cannot be made"
