"""What can go wrong when the audit trail is read."""

from app.core.errors import NotFound


class AuditLogNotFound(NotFound):
    code = "audit_log_not_found"
    title = "Audit log not found"
