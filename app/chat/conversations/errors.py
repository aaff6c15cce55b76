"""What can be wrong with a conversation."""

from app.core.errors import Conflict, NotFound


class ConversationNotFound(NotFound):
    code = "conversation_not_found"
    title = "There is no such conversation"


class ConversationBusy(Conflict):
    code = "conversation_busy"
    title = "A turn is under way in this conversation"
    retryable = True
