"""What this process counts for its operator; shown at `/metrics` in Prometheus' own format."""

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

# From a cached answer to a long chat: a stream counts until its end.
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

REQUESTS = Counter(
    "luminous_http_requests",
    "Requests that were answered, by method, route template and class of status.",
    ("method", "route", "status"),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "luminous_http_request_seconds",
    "Seconds from a request's head to the end of its answer.",
    ("method", "route"),
    buckets=SECONDS,
    registry=REGISTRY,
)
LIMITER_REFUSALS = Counter(
    "luminous_rate_limit_refusals",
    "Requests that a rate limit refused, by policy.",
    ("policy",),
    registry=REGISTRY,
)
LIMITER_FAIL_OPENS = Counter(
    "luminous_rate_limit_fail_opens",
    "Requests that were served uncounted, because Valkey did not answer.",
    registry=REGISTRY,
)
JOB_FAILURES = Counter(
    "luminous_job_failures",
    "Runs of a background job that ended in an error, by job.",
    ("job",),
    registry=REGISTRY,
)
DATABASE_CONNECTIONS = Gauge(
    "luminous_database_connections",
    "Connections of this process to Postgres: in use, idle, and the most there can be.",
    ("state",),
    registry=REGISTRY,
)


def exposition() -> bytes:
    """Every metric in Prometheus' text format."""
    return generate_latest(REGISTRY)
