"""What is counted of requests, and who may read it."""

from datetime import timedelta

import httpx2
import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from app.core.jobs import Job, Jobs
from app.core.metrics import REGISTRY, SECONDS, Requests
from tests.support.identity import bearer, until


def samples(text):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def requests_of(text, **labels):
    return samples(text).get(("luminous_http_requests_total", tuple(sorted(labels.items()))), 0)


async def test_requests_are_counted_by_template_and_class_of_status(client, person):
    labels = {"method": "GET", "route": "/v1/conversations/{conversation_id}", "status": "4xx"}
    before = requests_of((await client.get("/metrics")).text, **labels)
    for name in ("0197ffff-0000-7000-8000-000000000001", "0197ffff-0000-7000-8000-000000000002"):
        await client.get(f"/v1/conversations/{name}", headers=person.headers)
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert requests_of(answer.text, **labels) == before + 2
    assert "0197ffff" not in answer.text


async def test_what_has_no_route_or_an_odd_method_is_one_series(client):
    for number, method in enumerate(("LINK", "PURGE", "PROPFIND")):
        await client.get(f"/nowhere/{number}")
        await client.request(method, "/nowhere")
    found = samples((await client.get("/metrics")).text)
    counted = {
        (dict(labels)["method"], dict(labels)["route"])
        for name, labels in found
        if name == "luminous_http_requests_total"
    }
    assert ("GET", "unmatched") in counted
    assert ("OTHER", "unmatched") in counted
    assert not any("nowhere" in route or method == "PURGE" for method, route in counted)


def test_requests_are_told_as_the_library_s_own_numbers_are():
    registry, ours = CollectorRegistry(), Requests()
    counter = Counter(
        "luminous_http_requests", "", ("method", "route", "status"), registry=registry
    )
    histogram = Histogram(
        "luminous_http_request_seconds", "", ("method", "route"), buckets=SECONDS, registry=registry
    )
    for number, seconds in enumerate((0, 0.0078125, 0.25, 0.5, 59.75, 60, 90)):
        for method, status, word in (
            ("GET", 200, "2xx"),
            ("GET", 404, "4xx"),
            ("POST", 0, "unanswered"),
        ):
            for route in ("/v1/me", f"/{number % 2}"):
                ours.count(method, route, status, seconds)
                counter.labels(method, route, word).inc()
                histogram.labels(method, route).observe(seconds)
    assert told_by(ours) == told_by(registry)


def told_by(collector):
    """What is told, but for when the counting began."""
    return [
        (family.name, family.type, sample.name, sample.labels, sample.value)
        for family in collector.collect()
        for sample in family.samples
        if not sample.name.endswith("_created") or sample.value < 1e9
    ]


async def test_vendor_routes_have_templates_too(client):
    await client.get("/openai/v1/models")
    await client.get("/openai/v1/models/a-very-special-model")
    text = (await client.get("/metrics")).text
    assert requests_of(text, method="GET", route="/openai/v1/models", status="4xx") >= 1
    assert "a-very-special-model" not in text


async def test_connections_to_postgres_and_seconds_are_told(client):
    found = samples((await client.get("/metrics")).text)
    assert found["luminous_database_connections", (("state", "most"),)] == 20
    assert ("luminous_database_connections", (("state", "in_use"),)) in found
    assert any(name == "luminous_http_request_seconds_bucket" for name, _ in found)


async def test_it_is_no_part_of_the_document(client):
    assert "/metrics" not in (await client.get("/openapi.json")).json()["paths"]


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded"])
async def test_a_proxy_on_this_machine_gets_nothing_for_others(client, name):
    answer = await client.get("/metrics", headers={name: "for=203.0.113.7"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_another_machine_gets_nothing_without_a_token(serving):
    async with serving(trusted_proxies=("127.0.0.1",)) as (_, http):
        answer = await http.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"})
    assert answer.status_code == 404


async def test_with_a_token_it_opens_to_whoever_has_it(serving):
    async with serving(metrics_token=SecretStr("let-me-see")) as (_, http):
        answers: list[httpx2.Response] = [
            await http.get("/metrics", headers=headers)
            for headers in ({}, bearer("wrong"), bearer("let-me-see"))
        ]
    assert [answer.status_code for answer in answers] == [404, 404, 200]


async def test_a_job_that_fails_is_counted(kernel):
    async def fail():
        raise ValueError("no")

    def failures():
        return REGISTRY.get_sample_value("luminous_job_failures_total", {"job": "failing"}) or 0

    async def counted():
        return failures() >= 1

    async with Jobs(kernel.valkey) as jobs:
        jobs.take_on([Job("failing", timedelta(hours=1), fail)])
        jobs.nudge("failing")
        await until(counted)
