"""`http`: the request that a definition says, and the answer as data, without our secrets."""

import asyncio

import pytest
import pytest_asyncio

from tests.agents.web.conftest import Answer, Site, json_answer
from tests.support.workflows.office import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def office(talker):
    return Office(talker)


def echo(request) -> Answer:
    return json_answer(
        {
            "headers": dict(request.headers),
            "query": dict(request.query),
            "body": request.body.decode(),
        }
    )


async def test_a_request_is_sent_and_its_json_given(steps, keep):
    async with Site(echo=echo) as site:
        token = await keep("crm", [site.place])
        settings = {
            "method": "POST",
            "url": f"{site.url}/echo?a=1",
            "query": {"b": 2, "c": True},
            "headers": {"X-Tenant": "acme"},
            "body": {"subject": "Hi"},
            "credential": {"name": "crm"},
        }
        given = await steps.output("http", settings)

    (asked,) = site.asked
    assert asked.headers["authorization"] == f"Bearer {token}"
    assert asked.headers["idempotency-key"] == f"{steps.run_id}:step"
    assert (given["status"], given["encoding"]) == (200, "json")
    assert given["body"]["query"] == {"a": "1", "b": "2", "c": "true"}
    assert given["body"]["body"] == '{"subject":"Hi"}'
    assert given["body"]["headers"]["authorization"] == "[secret]"


async def test_the_service_is_asked_for_the_address_as_it_was_encoded(office):
    async with Site(users=json_answer({"ok": True})) as site:
        await office.make(
            "delete",
            nodes=[{"id": "a", "type": "http",
                    "with": {"url": site.url + "/users?id={{ inputs.id }}"}}],
            outputs="{{ nodes.a.output.status }}",
        )  # fmt: skip
        run = await office.run("delete", {"id": "7&all=1 #%2F"})
    assert run["output"] == 200, run
    assert dict(site.asked[0].query) == {"id": "7&all=1 #%2F"}


async def test_a_credential_goes_to_its_own_hosts_alone(steps, keep):
    async with Site(echo=echo) as site:
        await keep("crm", ["crm.example.com"])
        settings = {"url": f"{site.url}/echo", "credential": {"name": "crm"}}
        fault = await steps.fault("http", settings)
    assert (fault.code, site.asked) == ("credential_unusable", [])
    unknown = {"url": "https://example.com", "credential": {"name": "nobody"}}
    assert await steps.mistakes("http", unknown) == {"/credential": "tool_unfit"}


@pytest.mark.parametrize(
    ("status", "headers", "code", "retryable", "after"),
    [
        (404, {}, "http_status", False, None),
        (503, {"retry-after": "30"}, "http_status", True, 30.0),
        (429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, "rate_limited", True, 0.0),
    ],
)
async def test_a_status_says_whether_to_try_again(steps, status, headers, code, retryable, after):
    answer = json_answer({"error": "no"}, status=status, headers=headers)
    async with Site(x=answer) as site:
        fault = await steps.fault("http", {"url": f"{site.url}/x"})
    assert (fault.code, fault.retryable, fault.retry_after) == (code, retryable, after)
    assert fault.detail == {"status": status, "body": '{"error":"no"}'}


async def test_an_expected_status_is_an_answer(steps):
    async with Site() as site:
        settings = {"url": f"{site.url}/gone", "expect": [200, 404]}
        given = await steps.output("http", settings)
    assert (given["status"], given["body"]) == (404, "no such page")


async def test_what_is_no_text_is_base64_and_too_much_is_a_fault(steps):
    png, long = Answer(b"\x89PNG", "image/png"), Answer(b"x" * (2 * 1024 * 1024 + 1), "text/plain")
    async with Site(png=png, long=long) as site:
        given = await steps.output("http", {"url": f"{site.url}/png"})
        fault = await steps.fault("http", {"url": f"{site.url}/long"})
    assert (given["body"], given["encoding"]) == ("iVBORw==", "base64")
    assert fault.code == "response_too_large"


async def test_addresses_within_are_refused(steps):
    fault = await steps.fault("http", {"url": "http://169.254.169.254/latest/meta-data"})
    assert (fault.code, fault.retryable) == ("refused_address", False)


async def test_headers_that_prove_something_belong_in_a_credential(steps):
    settings = {"url": "https://example.com", "headers": {"Authorization": "x", "Host": "y"}}
    assert await steps.mistakes("http", settings) == {
        "/headers/Authorization": "header_not_settable",
        "/headers/Host": "header_not_settable",
    }
    assert (await steps.fault("http", settings)).code == "header_not_settable"


@pytest.mark.parametrize("name", ["X-Api-Key", "api_key", "Private-Token", "client_secret"])
async def test_a_secret_that_is_written_out_is_told_of(steps, name):
    """A value of the run is none of the definition, and a cache's key opens nothing."""
    fields = {name: "s3cr3t", "X-Cache-Key": "a", "token": "{{ inputs.token }}"}
    settings = {"url": "https://example.com", "headers": fields, "query": fields}
    told = {f"/{place}/{name}": "secret_written" for place in ("headers", "query")}
    assert await steps.mistakes("http", settings) == told


async def test_an_attempt_can_be_cancelled(steps):
    asked = asyncio.Event()

    class Silent(Site):
        async def _answer(self, exchange):
            asked.set()
            await exchange.until_gone()

    async with Silent() as site:
        step = asyncio.create_task(steps.given("http", {"url": f"{site.url}/x"}))
        await asked.wait()
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
