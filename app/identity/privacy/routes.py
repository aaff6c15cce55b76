"""The routers of exports and of erasures, behind the guard of this room."""

from app.identity.sessions.guard import require_recent
from app.oversight.privacy.erasures.router import erasures_router
from app.oversight.privacy.exports.router import exports_router

exports = exports_router(require_recent)
erasures = erasures_router(require_recent)
