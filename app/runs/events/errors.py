"""What can go wrong with an event log."""

from app.core.errors import AppError, BadRequest, Gone, PayloadTooLarge, Unavailable


class EventIdInvalid(BadRequest):
    code = "event_id_invalid"
    title = "Not a position in this run's event log"


class EventsExpired(Gone):
    code = "events_expired"
    title = "The events of this run are no longer kept"


class EventLogUnavailable(Unavailable):
    code = "event_log_unavailable"
    title = "The event log could not be written"


class RunOutputTooLarge(PayloadTooLarge):
    code = "run_output_too_large"
    title = "The run produced more than its event log may hold"


class RunLost(AppError):
    """Another process owns this run now; nothing that this one writes counts any more."""

    code = "run_lost"
    title = "Another process has taken up this run"
    retryable = True
