"""What this process counts for its operator; shown at `/metrics` in Prometheus' own format."""

import time
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Metric,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

# From a cached answer to a long chat: a stream counts until its end.
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SPANS: Final = (*(str(float(bound)) for bound in SECONDS), "+Inf")


class _Tally:
    """The requests of one method, route and class of status: how many in each span, and seconds."""

    __slots__ = ("began", "counts", "seconds")

    def __init__(self) -> None:
        self.began = time.time()
        self.counts = [0] * len(_SPANS)
        self.seconds = 0.0


class Requests(Collector):
    """What a Counter and a Histogram tell of all requests, at a fifth of their time.

    They take a lock for each number; here only the thread of the loop counts.
    """

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str, int], _Tally] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """`status` is 0 of a request that was not answered."""
        key = (method, route, status // 100)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = _Tally()
        tally.counts[bisect_left(SECONDS, seconds)] += 1
        tally.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        counted = CounterMetricFamily(
            "luminous_http_requests",
            "Requests that were answered, by method, route template and class of status.",
            labels=("method", "route", "status"),
        )
        timed = HistogramMetricFamily(
            "luminous_http_request_seconds",
            "Seconds from a request's head to the end of its answer.",
            labels=("method", "route"),
        )
        routes: dict[tuple[str, str], list[_Tally]] = {}
        for (method, route, hundreds), tally in self._tallies.items():
            labels = (method, route, f"{hundreds}xx" if hundreds else "unanswered")
            counted.add_metric(labels, sum(tally.counts), created=tally.began)
            routes.setdefault((method, route), []).append(tally)
        for (method, route), tallies in routes.items():
            counts = map(sum, zip(*(tally.counts for tally in tallies), strict=True))
            spans = zip(_SPANS, accumulate(counts), strict=True)
            timed.add_metric((method, route), list(spans), sum(each.seconds for each in tallies))
            told = {"method": method, "route": route}
            timed.add_sample(f"{timed.name}_created", told, min(each.began for each in tallies))
        yield counted
        yield timed


REQUESTS = Requests()
REGISTRY.register(REQUESTS)
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
