"""The routers of this room, for the composition root."""

from app.identity.api_keys.router import router as api_keys
from app.identity.sessions.router import router as sessions
from app.identity.sessions.router import well_known
from app.identity.users.router import router as users
from app.identity.workspaces.router import router as workspaces

ROUTERS = (users, sessions, well_known, workspaces, api_keys)
