"""Schemathesis over the whole OpenAPI document: no 5xx, and no answer outside its schema."""

import asyncio

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.tenants import new_tenant

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CASES = 2
# What ends the tester's own session or account, if it is let.
LEFT_OUT = {"me_deactivate", "me_delete", "sessions_delete", "sessions_delete_all"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tester(http):
    """A tenant of its own: what passes changes or deletes only what is its."""
    return await new_tenant(http)


@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@pytest.mark.timeout(600)
async def test_every_operation_keeps_to_the_document(http, address, tester):
    failures = await asyncio.to_thread(walk, address, tester.headers)
    assert failures == []
    me = await http.get("/v1/me", headers=tester.headers)
    assert me.status_code == 200  # or much of the walk was refused at the door


def walk(address, headers):
    """Run in a thread: Schemathesis waits for each answer, and the service is in this loop."""
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    failures = []
    for result in schema.get_all_operations():
        operation = result.ok()
        name = operation.definition.raw["operationId"]
        if name not in LEFT_OUT:
            try:
                exercise(operation, headers)
            except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - all that is wrong
                parts = getattr(error, "exceptions", (error,))
                failures.append((name, [str(part)[:800] for part in parts]))
    return failures


def exercise(operation, headers):
    @given(case=operation.as_strategy())
    @settings(
        max_examples=CASES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    def cases(case):
        answer = case.call(headers=headers, timeout=30)
        # Generators read a stream's schema as one event's data; Schemathesis as the whole event.
        streamed = "text/event-stream" in answer.headers.get("content-type", [""])[0]
        checks = [c for c in CHECKS if not (streamed and c is response_schema_conformance)]
        case.validate_response(answer, checks=checks)

    cases()
