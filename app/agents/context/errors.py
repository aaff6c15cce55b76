"""What can keep a summary from being made; the oldest messages are left out then."""

from app.core.errors import UpstreamFailed, UpstreamTimedOut


class SummaryEmpty(UpstreamFailed):
    code = "summary_empty"
    title = "The model gave no summary of the conversation"


class SummaryTooSlow(UpstreamTimedOut):
    code = "summary_too_slow"
    title = "The conversation could not be summed up in time"
