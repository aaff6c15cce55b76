"""Mail: queued in the transaction that it tells of, delivered by a job."""

from app.core.mail.outbox import queue, seal_queued

__all__ = ["queue", "seal_queued"]
