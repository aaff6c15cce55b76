"""What can be wrong with a message."""

from app.core.errors import NotFound


class MessageNotFound(NotFound):
    code = "message_not_found"
    title = "There is no such message in this conversation"
