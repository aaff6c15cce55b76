"""Every table of the service, so that one import fills the metadata."""

from app.chat.conversations.models import Conversation
from app.chat.messages.models import Message
from app.core.db import Base
from app.core.idempotency import IdempotencyKey
from app.identity.api_keys.models import ApiKey
from app.identity.sessions.models import RefreshToken, SigningKey, UserSession
from app.identity.users.models import User
from app.identity.workspaces.models import Membership, Workspace
from app.inference.integrations.models import Integration
from app.inference.usage.models import ModelCall
from app.runs.events.models import RunEvent
from app.runs.runs.models import Run

__all__ = [
    "ApiKey",
    "Base",
    "Conversation",
    "IdempotencyKey",
    "Integration",
    "Membership",
    "Message",
    "ModelCall",
    "RefreshToken",
    "Run",
    "RunEvent",
    "SigningKey",
    "User",
    "UserSession",
    "Workspace",
]
